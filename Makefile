# Every command makes .venv first if it is not there; a second call does not install again.
# The plain pip and jupyter-book lines, for machines without make, stand in README.md.
PYTHON ?= python3
BIN := .venv/bin
TOOLS := book/_ext
export PYTHONPATH := book
export PYDEVD_DISABLE_FILE_VALIDATION := 1
# A thread of torch that waits keeps its core busy. This is how long: where another process wants the core, training
# is several times as fast as with the default of 300,000 turns, and on a quiet machine hardly slower.
export GOMP_SPINCOUNT := 5000

.PHONY: help book test test-all mutate run refresh lab serve editions coursework pdf publish colab status bench bench-keep format clean

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 12

.venv/ready: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet -r requirements.txt
	@touch $@

.venv/ready-dev: .venv/ready requirements-dev.txt
	$(BIN)/pip install --quiet -r requirements-dev.txt
	@touch $@

book: .venv/ready  ## build the site into _build/html from the stored outputs
	$(BIN)/jupyter-book build -W -n --keep-going --quiet .
	@echo "The book is in _build/html/index.html"

test: .venv/ready  ## unit, theory, structure and leak tests; every chapter once (12 minutes)
	$(BIN)/python -m pytest tests -m "not slow" -q
	$(BIN)/python -m pytest -q --nbval --nbval-current-env --nbval-cell-timeout=600 \
		--nbval-sanitize-with tests/sanitize.cfg $(wildcard book/01_*.ipynb book/02_*.ipynb)
	$(BIN)/python -m pytest -q -p tests.embedded --nbval-lax --nbval-current-env --nbval-cell-timeout=1800 \
		--nbval-sanitize-with tests/sanitize.cfg \
		$(filter-out book/01_% book/02_%,$(wildcard book/0*.ipynb))

test-all: .venv/ready-dev  ## what `make test` leaves out: other data, editions, kill tests, the site (40 minutes)
	$(BIN)/ruff check --quiet book tests
	$(MAKE) book $(AXE)
	$(BIN)/python -m pytest tests -m slow -q

mutate: .venv/ready  ## change the helper in one place after another; do the tests notice? (every tenth of 2,500: 10 minutes)
	PYTHONPATH=book:tests $(BIN)/python tests/mutate.py $(MODULES)

# axe-core judges whether the pages are accessible; without npm that test is skipped and says so.
AXE := _build/npm/node_modules/axe-core/axe.min.js
$(AXE):
	-npm install --silent --no-fund --no-audit --prefix _build/npm axe-core@4.14.1

run: .venv/ready  ## execute the chapters into _build/run; the committed ones stay as they are
	$(BIN)/python $(TOOLS)/execute.py --into _build/run

refresh: .venv/ready  ## for maintainers: execute the chapters in place (refuses on embedded data)
	$(BIN)/python $(TOOLS)/execute.py --in-place $(CHAPTERS)

editions: .venv/ready  ## write the Colab, student and teacher copies into _build/editions
	$(BIN)/python $(TOOLS)/editions.py --into _build/editions

coursework: .venv/ready-dev  ## release the homework with nbgrader and grade sample submissions (15 minutes)
	$(BIN)/python $(TOOLS)/coursework.py --into _build/coursework

pdf: .venv/ready-dev book  ## print the whole book into _build/book.pdf (needs chromium)
	$(BIN)/python $(TOOLS)/pdf.py

publish: book  ## push the built site, and the PDF if there is one, to the branch gh-pages of REMOTE
	@test -n "$(REMOTE)" || { echo "publish: say where to, make publish REMOTE=..."; exit 1; }
	@if [ -f _build/book.pdf ]; then cp _build/book.pdf _build/html/book.pdf; fi
	@rm -rf _build/publish && cp -r _build/html _build/publish && touch _build/publish/.nojekyll
	@cd _build/publish && git init -q -b gh-pages && git add -A && \
		git -c user.name="The book" -c user.email="book@localhost" commit -q -m "Publish the book" && \
		git push -q --force "$(REMOTE)" gh-pages

colab:  ## run the Colab copies with PYTHON's own packages, away from the helper (in Colab's image, for one)
	$(PYTHON) $(TOOLS)/editions.py --into _build/editions
	env -u PYTHONPATH $(PYTHON) $(TOOLS)/execute.py --into _build/colab-run _build/editions/colab/*.ipynb

status: .venv/ready  ## for maintainers: write the status page from the last `make run`
	$(BIN)/python $(TOOLS)/status.py

bench: .venv/ready-dev  ## compare the helper with what one would use instead (five minutes on two quiet cores)
	PYTHONPATH=book:tests $(BIN)/python -m benchmarks

bench-keep: .venv/ready-dev  ## for maintainers: the same, and put its tables into README.md
	PYTHONPATH=book:tests $(BIN)/python -m benchmarks --keep

lab: .venv/ready  ## open JupyterLab on the chapters
	cd book && ../$(BIN)/jupyter lab

serve: book  ## build the site and serve it on this machine
	$(BIN)/python -m http.server --directory _build/html --bind 127.0.0.1 8000

format: .venv/ready-dev  ## lint the helper, the tests and the chapters
	$(BIN)/ruff check book tests

clean:  ## remove what was built (not .venv)
	rm -rf _build .pytest_cache .hypothesis
