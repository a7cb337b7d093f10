import time
import uuid

from gateway.ids import charge_millis, new_charge_id


def test_a_charge_id_is_a_uuid_version_7_of_this_moment():
    before = time.time_ns() // 1_000_000
    text = new_charge_id()
    after = time.time_ns() // 1_000_000

    made = uuid.UUID(text)
    assert str(made) == text
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before <= charge_millis(text) <= after
    assert made.int >> 80 == charge_millis(text)


def test_all_other_bits_of_charge_ids_are_random():
    made = [uuid.UUID(new_charge_id()).int for _ in range(200)]
    ones, zeros = 0, ~0
    for number in made:
        ones, zeros = ones | number, zeros & number
    fixed = 0xF << 76 | 0b11 << 62
    low = (1 << 80) - 1
    assert ones & low & ~fixed == low & ~fixed
    assert zeros & low & ~fixed == 0
