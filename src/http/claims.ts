const claims: ReadonlySet<string> = new Set(['forwarded', 'x-real-ip', 'true-client-ip', 'x-client-ip'])

/**
 * Whether a header says who sent a request, or by which way it came: a peer may not say that of itself. `name`: in lower case. CGI and
 * its successors read other characters as `-`. All names that begin with `fastn-` are the library's.
 */
export function isClaim(name: string): boolean {
  if (!/^[ftx]/.test(name)) return false
  const plain = name.replace(/[^a-z0-9]/g, '-')
  return plain.startsWith('fastn-') || claims.has(plain) || plain.startsWith('x-forwarded-')
}
