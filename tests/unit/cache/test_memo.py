from gateway.cache.memo import Memo


def test_results_are_computed_once_until_the_bound_is_reached():
    asked = []

    def square(number: int) -> int:
        asked.append(number)
        return number * number

    memo = Memo(square, capacity=2)
    assert [memo(3), memo(3), memo(4), memo(3)] == [9, 9, 16, 9]
    assert asked == [3, 4]
    memo(5)
    memo(3)
    assert asked == [3, 4, 5, 3]
