"""Hyperliquid, from its documentation (`docs/guide/emulators.md`): one account, perpetuals and spot on one balance.

dialect ─┬─ recover, nonces    who signed, and whether the nonce is new
├─ trading ─ rules    actions of /exchange
├─ questions          /info
├─ streams            /ws
└─ orders, records    the account's orders and fills, and their JSON
"""
