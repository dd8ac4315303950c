import type { Command } from '../command.js'
import { completionScript, shells } from '../completions.js'

/** Creates the command that prints completions of `commands` and of itself. */
export function completions(commands: () => readonly Command[]): Command {
  return {
    name: 'completions',
    summary: 'Print shell completions.',
    arguments: [{ name: 'SHELL', help: 'bash, zsh or fish.', choices: shells }],
    examples: [
      ['source <(fastn-net completions bash)', 'For this shell; add it to ~/.bashrc to keep it.'],
      ["echo 'source <(fastn-net completions zsh)' >> ~/.zshrc", 'For zsh, in new shells.'],
      ['fastn-net completions fish > ~/.config/fish/completions/fastn-net.fish', 'For fish.']
    ],
    async run({ args, output }) {
      const shell = args.required(0)
      const script = completionScript(shell, commands())
      await output.result(script.trimEnd(), { event: 'completions', shell, script })
      return undefined
    }
  }
}
