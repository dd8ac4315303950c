import { late } from '../util/late.js'

/** The code of streams, which an endpoint has loaded. */
export const streams: () => typeof import('./late-code.js') = late(() => import('./late-code.js'))
