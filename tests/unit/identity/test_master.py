from gateway.domain import Secret
from gateway.identity.master import MasterKey
from gateway.ids import hash_token

KEY = "sk-master-0123456789abcdef"


def test_only_the_digest_of_the_key_finds_the_operator():
    master = MasterKey(Secret(KEY))
    assert master.find(hash_token(KEY)) is master.principal
    assert master.find(hash_token(KEY + "x")) is None
    assert master.find(KEY) is None


def test_the_key_itself_is_kept_nowhere():
    master = MasterKey(Secret(KEY))
    assert KEY not in repr(vars(master))
