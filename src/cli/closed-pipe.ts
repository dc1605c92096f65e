/** For commands that print until somebody has seen enough: `holdfast watch | head` ends well, and without a stack. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}
