from . import control
from . import notices
from . import sign_on
