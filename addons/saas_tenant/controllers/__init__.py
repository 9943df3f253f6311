from . import control
from . import sign_on
