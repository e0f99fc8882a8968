/** Settles as the promise does; rejects with the message if that takes longer than `ms`. */
export async function bounded<V>(promise: Promise<V>, ms: number, message: () => string): Promise<V> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message())), ms);
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
  }
}
