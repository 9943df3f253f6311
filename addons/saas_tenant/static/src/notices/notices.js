import { Component, useState } from "@odoo/owl";
import { patch } from "@web/core/utils/patch";
import { session } from "@web/session";
import { WebClient } from "@web/webclient/webclient";

/** What whoever hosts this Odoo has to say, between the menu and the work. */
export class HostingNotices extends Component {
    static template = "saas_tenant.HostingNotices";
    static props = {};

    setup() {
        this.state = useState({ notices: session.saas_notices ?? [] });
    }

    /** Until the page is loaded anew. */
    dismiss(notice) {
        this.state.notices = this.state.notices.filter((other) => other !== notice);
    }
}

patch(WebClient, {
    components: { ...WebClient.components, HostingNotices },
});
