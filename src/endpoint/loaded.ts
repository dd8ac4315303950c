import { late } from '../util/late.js'

/** The code that an endpoint has loaded for itself. */
export const endpoints: () => typeof import('./late-code.js') = late(() => import('./late-code.js'))
