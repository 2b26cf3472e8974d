"""What ministack does otherwise than AWS, a file for each, and when the patch for it can leave.
tests/emulator and tests/it fail without them.
"""
