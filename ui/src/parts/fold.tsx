import type { ReactNode } from "react";

/** A part that opens on demand; the browser's own element, so search and keys work. */
export function Fold({
  title,
  aside,
  isOpen = false,
  children,
}: {
  title: string;
  aside?: ReactNode;
  isOpen?: boolean;
  children: ReactNode;
}) {
  return (
    <details className="fold" open={isOpen}>
      <summary>
        <span>{title}</span>
        {aside !== undefined && <span className="fold-aside">{aside}</span>}
      </summary>
      <div className="fold-body">{children}</div>
    </details>
  );
}
