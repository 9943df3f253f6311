from . import control
from . import notices
from . import sign_on
from . import signup
