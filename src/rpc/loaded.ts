import { late } from '../util/late.js'

/** The code of requests, which an endpoint has loaded. */
export const requests: () => typeof import('./requests.js') = late(() => import('./requests.js'))
