/** `npm run build-sidecar`: the sidecar as one JavaScript file, for its image. `npm start` makes it by itself. */
import { bundleSidecar, sidecarBundle } from "./lib/sidecar-bundle.ts"

await bundleSidecar()
console.log(sidecarBundle)
