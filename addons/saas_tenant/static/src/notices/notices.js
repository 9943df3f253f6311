import { Component, onWillDestroy, useState } from "@odoo/owl";
import { rpc } from "@web/core/network/rpc";
import { useService } from "@web/core/utils/hooks";
import { patch } from "@web/core/utils/patch";
import { session } from "@web/session";
import { WebClient } from "@web/webclient/webclient";

const CHANGED = "saas_tenant/notices_changed";

/** What whoever hosts this Odoo has to say, between the menu and the work. */
export class HostingNotices extends Component {
    static template = "saas_tenant.HostingNotices";
    static props = {};

    setup() {
        this.state = useState({ notices: session.saas_notices ?? [] });
        const bus = useService("bus_service");
        const onChanged = () => this.refresh();
        bus.subscribe(CHANGED, onChanged);
        onWillDestroy(() => bus.unsubscribe(CHANGED, onChanged));
    }

    async refresh() {
        this.state.notices = await rpc("/saas/notices", {}, { silent: true });
    }

    /** Until the page is loaded anew, or another notice comes. */
    dismiss(notice) {
        this.state.notices = this.state.notices.filter((other) => other !== notice);
    }
}

patch(WebClient, {
    components: { ...WebClient.components, HostingNotices },
});
