import { late } from '../util/late.js'

/** The code that starts tunnels, which an endpoint has loaded. */
export const tunnels: () => typeof import('./tunnels.js') = late(() => import('./tunnels.js'))
