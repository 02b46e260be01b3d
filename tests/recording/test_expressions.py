import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.recording.expressions import OPERATORS, Expression, combine, constant, leaf

NAMES = ("a", "b", "c")

# an expression tree: a name, a number, or (operator, left, right)
TREES = st.recursive(
    st.sampled_from(NAMES) | st.integers(0, 2),
    lambda inner: st.tuples(st.sampled_from(sorted(OPERATORS)), inner, inner),
    max_leaves=8,
)


def as_expression(tree: object) -> Expression:
    match tree:
        case str():
            return leaf(tree)
        case int():
            return constant(tree)
        case (str() as operator, left, right):
            return combine(operator, as_expression(left), as_expression(right))
    raise AssertionError(tree)


def evaluate(tree: object, values: dict[str, int]) -> int:
    match tree:
        case str():
            return values[tree]
        case int():
            return tree
        case (str() as operator, left, right):
            return OPERATORS[operator](evaluate(left, values), evaluate(right, values))
    raise AssertionError(tree)


@given(TREES)
def test_a_table_holds_the_value_at_every_assignment(tree: object) -> None:
    expression = as_expression(tree)
    for bits in range(8):
        values = {name: bits >> i & 1 for i, name in enumerate(NAMES)}
        index = sum(values[name] << i for i, name in enumerate(expression.leaves))
        assert expression.table[index] == evaluate(tree, values)


@given(TREES)
def test_an_expression_depends_on_each_of_its_leaves(tree: object) -> None:
    expression = as_expression(tree)
    for bit in range(len(expression.leaves)):
        flipped = [expression.table[index ^ 1 << bit] for index in range(len(expression.table))]
        assert flipped != list(expression.table)


S, O = leaf("s"), leaf("o")  # noqa: E741 - the names of Table 1
NOT_S = combine("sub", constant(1), S)
NOT_O = combine("sub", constant(1), O)


@pytest.mark.parametrize(
    ("expression", "name", "inputs"),
    [
        (combine("mul", S, O), "and", {"s", "o"}),
        (combine("mul", O, NOT_S), "iand", ("s", "o")),
        (combine("mul", NOT_S, O), "iand", ("s", "o")),
        (combine("mul", S, NOT_O), "iand", ("o", "s")),
        (combine("sub", combine("add", S, O), combine("mul", S, O)), "or", {"s", "o"}),
        (combine("add", combine("mul", S, NOT_O), combine("mul", O, NOT_S)), "xor", {"s", "o"}),
        (combine("xor", S, O), "xor", {"s", "o"}),
        (combine("maximum", S, O), "or", {"s", "o"}),
        (NOT_S, "not", {"s"}),
        (combine("mul", NOT_S, NOT_O), "logic", {"s", "o"}),
    ],
)
def test_a_logic_is_named_by_its_table(
    expression: Expression, name: str, inputs: set[str] | tuple[str, ...]
) -> None:
    assert expression.is_logic
    function, operands = expression.logic()
    assert function == name
    assert (set(operands) if isinstance(inputs, set) else operands) == inputs


def test_only_the_plain_sum_is_a_sum() -> None:
    assert combine("add", S, O).is_sum
    assert not combine("sub", S, O).is_sum
    assert not combine("add", S, S).is_sum
    assert not S.is_sum


def test_a_spike_combined_with_itself_stays_that_spike() -> None:
    assert combine("mul", S, S) == S
    assert combine("sub", combine("add", S, O), O).is_leaf
