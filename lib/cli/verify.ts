import { counted } from './counted';
import { describeDamage, describeError } from './describe-error';
import { printable } from './printable';
import { describeSideFile } from './side-file';
import { survey, type Survey } from './survey';
import type { Terminal } from './terminal';

/** How the result is put. */
export interface VerifyOptions {
  readonly json?: boolean;
}

/** Says of each journal whether it is whole. */
export async function verify(
  filePaths: readonly string[],
  { json = false }: VerifyOptions,
  terminal: Terminal,
): Promise<void> {
  for (const filePath of filePaths) {
    try {
      const sideFile = await describeSideFile(filePath);
      if (sideFile !== undefined) {
        terminal.note(sideFile);
        continue;
      }
      const found = await survey(filePath, { doing: 'Verifying', terminal });
      if (found.damage) terminal.exitCode = 1;
      await terminal.out.write(json ? asJson(filePath, found) : printable(asText(filePath, found)));
    } catch (error) {
      const message = describeError(error, filePath);
      terminal.fail(message);
      if (json) await terminal.out.write(JSON.stringify({ file: filePath, ok: false, error: message }));
    }
  }
}

function asText(filePath: string, { entries, lastPosition, tornBytes, damage }: Survey): string {
  const whole = `${counted(entries, 'entry')}, last position ${lastPosition}`;
  if (damage) return `${describeDamage(damage)}; before it ${whole}`;
  const torn = tornBytes > 0 ? `, then a torn end of ${counted(tornBytes, 'byte')}` : '';
  return `${filePath}: ${whole}${torn}`;
}

function asJson(file: string, { entries, lastPosition, bytes, tornBytes, damage }: Survey): string {
  if (!damage) return JSON.stringify({ file, ok: true, entries, lastPosition, bytes, tornBytes });
  const { line, byteOffset, reason } = damage;
  return JSON.stringify({ file, ok: false, entries, lastPosition, bytes, line, byteOffset, reason });
}
