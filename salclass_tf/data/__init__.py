"""Images, maps and fixations of prepared data sets as batches of tensors."""
