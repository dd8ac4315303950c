import { late } from '../util/late.js'

/** The code of queues of streams, which an endpoint has loaded. */
export const streamQueues: () => typeof import('./stream-queue.js') = late(() => import('./stream-queue.js'))
