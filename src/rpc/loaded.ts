import { late } from '../util/late.js'

/** The code of requests, which an endpoint has loaded. */
export const requests: () => typeof import('./late-code.js') = late(() => import('./late-code.js'))
