"""How keys are looked up."""

from __future__ import annotations

import hashlib

from exempla.store import keys, users
from exempla.store.transaction import Transaction
from tests.store.conftest import Store


def test_a_secret_is_looked_up_by_its_sha_256_alone(store: Store) -> None:
    secret = keys.new_secret()

    def create(tx: Transaction) -> keys.ApiKey:
        user = users.first(tx)
        assert user
        return keys.create(tx, user, user, "USER", "key", "", secret, None)

    made = store.write(create)
    hashed = keys.secret_hash(secret)
    assert hashed == hashlib.sha256(secret.encode()).hexdigest()
    found = store.read(keys.authenticate, hashed)
    assert found
    assert found.permit.key_id == made.id
    for wrong in (secret, "", hashed[:-1], hashed.upper(), hashed + " "):
        assert store.read(keys.authenticate, wrong) is None
    stored = store.read(lambda tx: tx.all("SELECT * FROM api_keys WHERE id = :id", id=made.id[1]))
    assert hashed in stored[0]
    assert secret not in repr(stored)
