import { late } from '../util/late.js'

/** The code of connections, which an endpoint has loaded. */
export const connections: () => typeof import('./late-code.js') = late(() => import('./late-code.js'))
