"""One byte per second: what becomes of a sender that never ends. Last by name, for it was started long before."""
import unittest

from common import REQUEST_SECONDS, slow_sender


class Slow(unittest.TestCase):
    def test_one_byte_per_second_is_408_when_the_time_of_a_request_is_over(self):
        slow = slow_sender()
        slow.join(REQUEST_SECONDS + 15)
        self.assertIsNotNone(slow.told, "no answer")
        self.assertEqual(slow.told.status, 408)
        self.assertTrue(slow.closed)
        self.assertGreater(slow.took, REQUEST_SECONDS - 2)
        self.assertLess(slow.took, REQUEST_SECONDS + 10)
