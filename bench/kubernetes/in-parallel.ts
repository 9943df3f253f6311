/** Does the work for each, at most so many at once; answers in the order of the things. Fails with the first failure. */
export async function inParallel<T, R>(
  things: readonly T[],
  atOnce: number,
  work: (thing: T) => Promise<R>,
): Promise<R[]> {
  const answers = new Array<R>(things.length)
  const ahead = things.entries()
  const worker = async () => {
    for (const [at, thing] of ahead) answers[at] = await work(thing)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return answers
}
