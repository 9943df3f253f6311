/** The backend bundle: each part registers itself. What is exported is for the unit tests, which run against this bundle. */
import "./fleet/fleet_page.ts"
import "./measure/measure_field.ts"
import "./measure/percent_field.ts"
import "./tenant/phase_badge_field.ts"
import "./tenant/steps_widget.ts"

export { StepTimeline } from "./tenant/step_timeline.ts"
