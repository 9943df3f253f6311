/** Who may import whom. The reasons are in the comments; `npm run lint` holds the code to it. */
const io = "^(node:)?(fs|net|http|https|http2|tls|dgram|dns|child_process|worker_threads|cluster|readline)(/|$)"

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "no-circular",
      comment: "Two files that import each other are one noun in two places, or a missing interface.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-unresolvable",
      comment: "A file of ours that is imported but not there.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true, path: "^\\." },
    },
    {
      name: "domain-is-pure",
      comment: "The domain imports nothing of ours but itself.",
      severity: "error",
      from: { path: "^sidecar/domain/" },
      to: { path: "^(sidecar|scripts|tests|bench|owl-src)/", pathNot: "^sidecar/domain/" },
    },
    {
      name: "domain-does-no-io",
      comment: "What decides can be tested without a world.",
      severity: "error",
      from: { path: "^sidecar/domain/" },
      to: { path: io },
    },
    {
      name: "reconcile-knows-interfaces-only",
      comment: "Reconciling is the same for every target and every way to the master.",
      severity: "error",
      from: { path: "^sidecar/reconcile/" },
      to: {
        path: "^sidecar/",
        pathNot: "^sidecar/(reconcile/|domain/|odoo/port\\.ts$|drivers/driver\\.ts$)",
      },
    },
    {
      name: "drivers-stand-alone",
      comment: "A driver that leans on another one cannot be taken out.",
      severity: "error",
      from: { path: "^sidecar/drivers/([^/]+)/" },
      to: { path: "^sidecar/drivers/([^/]+)/", pathNot: "^sidecar/drivers/$1/" },
    },
    {
      name: "drivers-do-not-reconcile",
      comment: "Drivers, databases and routing do what they are told.",
      severity: "error",
      from: { path: "^sidecar/(drivers|databases|routing)/" },
      to: { path: "^sidecar/(reconcile|http|main\\.ts|odoo/(?!port\\.ts$))" },
    },
    {
      name: "main-is-the-top",
      comment: "Only the composition root knows everything; nobody else in the sidecar knows it.",
      severity: "error",
      from: { path: "^sidecar/", pathNot: "^sidecar/main\\.ts$" },
      to: { path: "^sidecar/main\\.ts$" },
    },
    {
      name: "product-needs-no-tools",
      comment: "What runs in production imports neither the set-up nor the tests.",
      severity: "error",
      from: { path: "^(sidecar|owl-src)/" },
      to: { path: "^(scripts|tests|bench)/" },
    },
    {
      name: "setup-needs-no-tests",
      comment: "",
      severity: "error",
      from: { path: "^scripts/lib/" },
      to: { path: "^(tests|bench)/" },
    },
    {
      name: "browser-and-sidecar-are-apart",
      comment: "One runs in Odoo's pages, the other on a server.",
      severity: "error",
      from: { path: "^owl-src/" },
      to: { path: "^sidecar/" },
    },
    {
      name: "sidecar-and-browser-are-apart",
      comment: "One runs on a server, the other in Odoo's pages.",
      severity: "error",
      from: { path: "^sidecar/" },
      to: { path: "^owl-src/" },
    },
    {
      name: "no-tools-in-production",
      comment: "What production imports has to be a dependency, not a development one.",
      severity: "error",
      from: { path: "^sidecar/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], pathNot: "/@types/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)dist/" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "node", "default"] },
  },
}
