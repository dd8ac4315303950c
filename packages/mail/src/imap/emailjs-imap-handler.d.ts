// The package has no types. Covers only the part used by `command.ts`.
declare module 'emailjs-imap-handler' {
  export type ParsedAttribute =
    | null
    | ParsedAttribute[]
    | {
        type: 'ATOM' | 'STRING' | 'LITERAL' | 'SEQUENCE'
        value: string
        section?: ParsedAttribute[]
        partial?: number[]
      }

  const handler: { parser(input: Uint8Array): { tag: string; command: string; attributes?: ParsedAttribute[] } }
  export default handler
}
