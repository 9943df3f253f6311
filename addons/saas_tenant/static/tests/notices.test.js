import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { beforeEach, expect, test } from "@odoo/hoot";
import { animationFrame, queryAllTexts } from "@odoo/hoot-dom";
import {
    contains,
    getService,
    MockServer,
    mountWithCleanup,
    onRpc,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";
import { session } from "@web/session";
import { WebClient } from "@web/webclient/webclient";

defineMailModels();

const maintenance = { level: "warning", text: "On Sunday from 8 to 9 there is maintenance." };
const full = { level: "danger", text: "Your storage is full." };

beforeEach(() => patchWithCleanup(session, { saas_notices: [maintenance] }));

/** As the operator's message does, once it has changed what there is to say. */
async function tellThatNoticesChanged() {
    const bus = getService("bus_service");
    const arrived = new Promise((resolve) => {
        const heard = () => {
            bus.unsubscribe("saas_tenant/notices_changed", heard);
            resolve();
        };
        bus.subscribe("saas_tenant/notices_changed", heard);
    });
    MockServer.env["bus.bus"]._sendone("broadcast", "saas_tenant/notices_changed", {});
    await arrived;
    await animationFrame();
    await animationFrame();
}

test("what the operator has to say stands between the menu and the work, with its gravity", async () => {
    await mountWithCleanup(WebClient);
    expect(queryAllTexts(".o_saas_notice_text")).toEqual([maintenance.text]);
    expect(".o_saas_notice").toHaveClass("alert-warning");
    expect(".o_saas_notice").toHaveAttribute("role", "status");
});

test("a notice is put away by a button that says so", async () => {
    await mountWithCleanup(WebClient);
    expect(".o_saas_notice button").toHaveAttribute("aria-label", "Close");
    await contains(".o_saas_notice button").click();
    expect(".o_saas_notice").toHaveCount(0);
});

test("without anything to say there is nothing in the way", async () => {
    patchWithCleanup(session, { saas_notices: undefined });
    await mountWithCleanup(WebClient);
    expect(".o_main_navbar").toHaveCount(1);
    expect(".o_saas_notice").toHaveCount(0);
});

test("another notice is there at once, without loading the page", async () => {
    onRpc("/saas/notices", () => [full]);
    await mountWithCleanup(WebClient);
    await getService("bus_service").start();
    await tellThatNoticesChanged();
    expect(queryAllTexts(".o_saas_notice_text")).toEqual([full.text]);
    expect(".o_saas_notice").toHaveClass("alert-danger");
});
