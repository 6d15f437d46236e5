"""What `mutate.py` changes in a module: one operator, constant, condition, check or returned value at a time."""

import ast
import copy
import importlib.util
from importlib.machinery import SourceFileLoader

SWAPS = {  # by type: what an operator is turned into
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.Mod: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}


def changes(node):
    """Yield what a node is turned into: another operator, a neighbour of a constant, nothing where a check was."""
    if type(node) in SWAPS:
        yield SWAPS[type(node)]()
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield from (ast.Constant(v) for v in (node.value + 1, node.value - 1) if v != node.value)
    elif isinstance(node, ast.UnaryOp):  # not x, -x, ~x
        yield node.operand
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)) and not isinstance(node.test, (ast.Compare, ast.UnaryOp)):
        other = copy.copy(node)
        other.test = ast.UnaryOp(ast.Not(), node.test)
        yield other
    elif isinstance(node, ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        yield ast.Pass()
    elif isinstance(node, ast.Return) and node.value is not None:
        yield ast.Return(ast.Constant(None))


def places(node, function=None, line=0):
    """Yield (container, key, node, function, line) for all that may change: no annotations, no messages."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "ctx") or isinstance(node, (ast.Raise, ast.JoinedStr)):
            continue
        container = value if isinstance(value, list) else vars(node)
        for key, child in enumerate(value) if isinstance(value, list) else [(name, value)]:
            if isinstance(child, ast.AST):
                inside = child if isinstance(child, ast.FunctionDef) else function
                at = getattr(child, "lineno", line)
                yield container, key, child, inside, at
                yield from places(child, inside, at)


def mutants(source: str):
    """Yield each mutant's tree (valid until the next), its function, its line and what became of the line."""
    tree = ast.parse(source)
    before = ast.unparse(tree).splitlines()
    for container, key, node, function, line in list(places(tree)):
        for new in changes(node):
            container[key] = ast.fix_missing_locations(ast.copy_location(new, node))
            after = ast.unparse(tree).splitlines()
            old, new = next((a.strip(), b.strip()) for a, b in zip(before, after, strict=True) if a != b)
            yield tree, function, line, f"{function.name if function else 'module'}: `{old}` becomes `{new}`"
            container[key] = node


def first_line(function) -> int:
    """Return where the code object of a function begins: at its first decorator; 0 stands for the module."""
    return min([function.lineno, *(d.lineno for d in function.decorator_list)]) if function else 0


class Mutated(SourceFileLoader):
    """Put a mutant in the place of one module; the file stays as it is."""

    def __init__(self, name: str, path: str, tree):
        self.tree = tree
        super().__init__(name, path)

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_code(self, name):
        return compile(self.tree, self.path, "exec")
