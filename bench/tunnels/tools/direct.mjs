// No tunnel: the ceiling.
export const start = ({ target }) => target
