from . import saas_dialog
from . import saas_tenant_add_host
from . import saas_tenant_change_plan
from . import saas_tenant_delete_now
from . import saas_tenant_open
from . import saas_tenant_rename
from . import saas_tenant_schedule_deletion
from . import saas_tenant_suspend
