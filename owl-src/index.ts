/** The backend bundle. What is exported is for the unit tests, which run against the bundle as it ships. */
export { FleetPage } from "./fleet/fleet_page.ts"
export { PhaseBadge } from "./tenant/phase_badge.ts"
export { PhaseBadgeField } from "./tenant/phase_badge_field.ts"
export { StepTimeline } from "./tenant/step_timeline.ts"
export { Steps } from "./tenant/steps_widget.ts"
