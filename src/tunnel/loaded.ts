import { late } from '../util/late.js'

/** The code that starts tunnels, which an endpoint has loaded. */
export const tunnels: () => typeof import('./late-code.js') = late(() => import('./late-code.js'))
