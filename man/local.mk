dist_man_MANS += %D%/weir-state.5 %D%/weir-stream.5
