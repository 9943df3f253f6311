from . import test_agent
from . import test_control
from . import test_mail
from . import test_module
from . import test_sign_on
from . import test_staff
from . import test_storage_limit
from . import test_user_limit
