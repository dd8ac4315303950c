import { Protocol } from 'fastn-net'

/** Echoes one line. */
export const Line = Protocol.generic('Line')
/** Reads bytes to the end, then answers with their number. */
export const Up = Protocol.generic('Up')
/** Sends as many bytes as the line says. */
export const Down = Protocol.generic('Down')
/** Echoes bytes as they arrive. */
export const Both = Protocol.generic('Both')
/** Reads to the end first, then answers for a while. */
export const Half = Protocol.generic('Half')
/** Its handler resets the stream with 7. */
export const Reset = Protocol.generic('Reset')
/** Stays open until the peer ends it. */
export const Hold = Protocol.generic('Hold')
/** Has a listener some of the time. */
export const Intermittent = Protocol.generic('Intermittent')
/** Never has a listener. */
export const Unserved = Protocol.generic('Unserved')
/** Like `Line`. If authorization is requested, it is granted after a while. */
export const Slow = Protocol.generic('Slow')
/** If authorization is requested, it is denied, in each possible way. */
export const Denied = Protocol.generic('Denied')
/** If authorization is requested, the answer is too late. */
export const Late = Protocol.generic('Late')
