"""What every pass owes, ours or a stranger's: checked on tiny models, told check by check."""

from sparsify.contract.check import Outcome, check_pass
from sparsify.contract.file import check_file
from sparsify.contract.method import check_method
from sparsify.contract.models import MODELS
from sparsify.contract.options import made

__all__ = ["MODELS", "Outcome", "check_file", "check_method", "check_pass", "made"]
