"""A small web shop of real processes: orders, payments, bank, a load driver and a deployer."""
