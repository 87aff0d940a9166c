"""Programs of an SHFQC that reads two qubits at once and flips each by its own bit."""

from benches.feedback_shfqc import DRIVE, READ

BOTH = READ.replace("QA_GEN_0, QA_INT_0", "QA_GEN_0 | QA_GEN_1, QA_INT_0 | QA_INT_1")
SECOND = DRIVE.replace("(QA_DATA_PROCESSED, 0, 1, 0)", "(QA_DATA_PROCESSED, 2, 1, 0)")
