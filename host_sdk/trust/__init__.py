"""Keys, seals and signers; a board's policy, orders and attestation."""
