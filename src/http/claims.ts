const claims: ReadonlySet<string> = new Set(['forwarded', 'x-real-ip', 'true-client-ip', 'x-client-ip'])

/**
 * Whether a header claims the sender or route of a request, which a peer must not set. `name`: in lower case. CGI and its successors map
 * other characters to `-`. Names that begin with `fastn-` are reserved for the library.
 */
export function isClaim(name: string): boolean {
  if (!/^[ftx]/.test(name)) return false
  const plain = name.replace(/[^a-z0-9]/g, '-')
  return plain.startsWith('fastn-') || claims.has(plain) || plain.startsWith('x-forwarded-')
}
