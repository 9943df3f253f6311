from . import portal
from . import sign_on
from . import signup
