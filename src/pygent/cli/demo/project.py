"""The project that the demo's agent works on: small, plain `unittest`, and somewhere it loses a cent."""

from __future__ import annotations

PROMPT = (
    "Some tests of this project fail: somewhere it loses a cent. Find out why, mend it, and check that it is right."
)

MONEY = '''\
"""Amounts of money, counted in whole cents."""


def cents(text):
    """Return what "12.50" is in cents: 1250."""
    return int(float(text) * 100)


def written(amount):
    """Return 1250 cents as "12.50"."""
    return f"{amount // 100}.{amount % 100:02}"
'''

BILL = '''\
"""A bill that friends share."""

from money import cents, written


def split(total, people):
    """Divide a bill into shares that add up to it and differ by one cent at the most."""
    share = cents(total) // people
    return [written(share)] * people
'''

TESTS = """\
import unittest

from bill import split
from money import cents, written


class MoneyTest(unittest.TestCase):
    def test_reads_every_cent(self):
        self.assertEqual(cents("19.99"), 1999)

    def test_writes_two_digits(self):
        self.assertEqual(written(1205), "12.05")


class BillTest(unittest.TestCase):
    def test_shares_are_equal(self):
        self.assertEqual(split("30.00", 3), ["10.00", "10.00", "10.00"])

    def test_shares_add_up(self):
        self.assertEqual(split("10.00", 3), ["3.34", "3.33", "3.33"])


if __name__ == "__main__":
    unittest.main()
"""

FILES = {"money.py": MONEY, "bill.py": BILL, "test_bill.py": TESTS}
"""What the project's files hold before the agent comes."""

TEST_COMMAND = "python3 -m unittest -v"
