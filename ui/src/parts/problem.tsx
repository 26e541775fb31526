/** What went wrong and what can be done, in place of what was asked for. */
export function Problem({ error, onRetry }: { error: Error; onRetry: () => void }) {
  return (
    <div className="notice" role="alert">
      <p>{error.message}</p>
      <button type="button" className="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}
