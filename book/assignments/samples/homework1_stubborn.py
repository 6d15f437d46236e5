# Homework 1 with an endless loop that swallows the interrupt, and floods the output while it runs. Every cell
# behind it is lost, and the grading ends all the same.
# seconds: 20
# loses: winners-tests takeover-tests log-drift-tests median-variance-tests

# %% winners
def winners(p, n, runs, rng):
    while True:
        try:
            while True:
                print("still running")
        except KeyboardInterrupt:
            pass
