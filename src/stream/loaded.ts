import { late } from '../util/late.js'

/** The code of streams, which an endpoint has loaded. */
export const streams: () => typeof import('./streams.js') = late(() => import('./streams.js'))
