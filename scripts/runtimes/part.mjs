/** Runs a part, and prints a line that says what came of it; the program exits 1 if one failed. */
export async function part(name, run) {
  try {
    const count = await run();
    console.log(`passed: ${name}${count === undefined ? '' : ` (${count} cases)`}`);
  } catch (error) {
    process.exitCode = 1;
    console.log(`FAILED: ${name}`);
    console.error(error);
  }
}
