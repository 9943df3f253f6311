/** The bundle of website and portal pages: nothing of the backend may be imported here. */
import "./portal/progress.ts"
