import { Protocol } from 'fastn-net'

/** Answers one line with that line. */
export const Line = Protocol.generic('Line')
/** Takes bytes to the end, then says how many. */
export const Up = Protocol.generic('Up')
/** Gives as many bytes as the line says. */
export const Down = Protocol.generic('Down')
/** Gives back what comes, as it comes. */
export const Both = Protocol.generic('Both')
/** Takes the end first, then answers for a while. */
export const Half = Protocol.generic('Half')
/** Is reset with 7 by its handler. */
export const Reset = Protocol.generic('Reset')
/** Is held open until the peer ends it. */
export const Hold = Protocol.generic('Hold')
/** Has a listener now and then. */
export const Comes = Protocol.generic('Comes')
/** Has none. */
export const Nobody = Protocol.generic('Nobody')
/** As Line; where questions are asked, the answer is yes, after a while. */
export const Slow = Protocol.generic('Slow')
/** Where questions are asked, the answer is no, in each of the ways that it can be given. */
export const Never = Protocol.generic('Never')
/** Where questions are asked, the answer comes too late. */
export const Late = Protocol.generic('Late')
