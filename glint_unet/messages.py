"""All messages of the log and the console in Chinese and English, and which of the two the user reads."""

import contextlib
import contextvars
import os
from collections.abc import Iterator
from typing import Any

LANGUAGES = ("zh", "en")

TEXTS: dict[str, tuple[str, str]] = {
    # --- a run ---
    "training_starts": ("开始训练", "Training starts"),
    "resuming": ("从第 {epoch} 轮之后继续训练: {path}", "Resuming after epoch {epoch}: {path}"),
    "init_whole": (
        "初始权重: {init}, 全部 {total} 个张量",
        "Initial weights: {init}, all {total} tensors",
    ),
    "init_part": (
        "初始权重: {init}, {total} 个张量中的 {num} 个; 因 LED 个数或步长不同而随机初始化: {anew}",
        "Initial weights: {init}, {num} of {total} tensors; initialised randomly, since the number of LEDs or the "
        "stride differs: {anew}",
    ),
    "output_dir": ("输出目录: {path}", "Output directory: {path}"),
    "dataset": ("数据集: {path}", "Data set: {path}"),
    "network": (
        "网络: {arch}, {weights:,} 个参数, 输入 {H}x{W}, 输出 {C} 个 {h}x{w} 热图",
        "Network: {arch}, {weights:,} parameters, input {H}x{W}, output {C} heatmaps of {h}x{w}",
    ),
    "device": ("设备: {device}", "Device: {device}"),
    "threads_given": ("CPU 线程: {num} (训练设置)", "CPU threads: {num} (setting of the run)"),
    "threads_of_environment": ("CPU 线程: {num} (OMP_NUM_THREADS)", "CPU threads: {num} (OMP_NUM_THREADS)"),
    "threads_measured": (
        "CPU 线程: {num} (开始时 {cpus} 个 CPU 中可用 {available:.1f} 个); 可用 --threads 设定",
        "CPU threads: {num} ({available:.1f} of {cpus} CPUs were available at the start); set another number with "
        "--threads",
    ),
    "threads_reduced": (
        "其他程序占用了 CPU: 线程从 {was} 个减为 {num} 个并保存, 续训时沿用; 可用 --threads 设定",
        "Other programs use the CPUs: {was} threads reduced to {num}; saved, and kept on a resume; set another number "
        "with --threads",
    ),
    "threads_wait": (
        "其他程序占用了 CPU, {num} 个线程互相等待; 停止后用 --threads {fitting} 续训会更快",
        "Other programs use the CPUs, and {num} threads wait for each other; stopping and resuming with "
        "--threads {fitting} is faster",
    ),
    "data_on_device": ("数据已载入 {device} 的显存: {mb:.1f} MB", "Data held in the memory of {device}: {mb:.1f} MB"),
    "cache_conflict": (
        "--cache {cache} 与 --{flag} 矛盾; 请去掉其中之一",
        "--cache {cache} and --{flag} contradict each other; remove one of them",
    ),
    "loader_died": (
        "{workers} 个数据加载进程中有一个意外终止: {reason}; 若被系统因内存不足杀死, 请减少 --num_workers",
        "One of the {workers} loader processes died: {reason}; if the system killed it because memory ran out, "
        "reduce --num_workers",
    ),
    "data_in_memory": ("数据已载入内存: {mb:.1f} MB", "Data held in memory: {mb:.1f} MB"),
    "data_shared_new": ("数据已放入共享内存: {mb:.1f} MB (新建)", "Data held in shared memory: {mb:.1f} MB (created)"),
    "data_shared_attached": (
        "使用已有的共享内存数据: {mb:.1f} MB",
        "Using the existing copy in shared memory: {mb:.1f} MB",
    ),
    "data_from_file": (
        "逐批从文件读取数据, 读取进程数: {workers}",
        "Data read from the file batch by batch, loader processes: {workers}",
    ),
    "data_drawn": (
        "训练图像由程序实时绘制 (难度 {level}), 绘制进程数: {workers}",
        "Training images are drawn on the fly (level {level}), drawing processes: {workers}",
    ),
    "pictures_failed": (
        "结果图未能绘制 (训练不受影响): {reason}",
        "The pictures of the run could not be drawn (training is not affected): {reason}",
    ),
    "num_samples": (
        "训练集样本数: {train}, 验证集样本数: {val}",
        "Training images: {train}, validation images: {val}",
    ),
    "few_validation_images": (
        "验证图像只有 {num} 张: 指标、最佳轮次和据此选取的阈值都不可靠; 请增加图像或增大 --val_split",
        "Only {num} validation images: metrics, best epoch and the threshold chosen on them are unreliable; "
        "use more images or a larger --val_split",
    ),
    "no_layout": (
        "注意: 标注的反光点没有显示出 {num} 个 LED 的共同布局, 各 LED 将单独解码; 请检查各图像的 LED 编号是否一致, "
        "以及每个 LED 是否在至少 10 张图像中与另外两个同时出现",
        "Note: the annotated glints show no common layout of the {num} LEDs, so each LED is decoded alone; check that "
        "all images number the LEDs alike, and that each LED is seen in at least 10 images together with two others",
    ),
    "short_warmup": (
        "训练步数较少 (共 {steps} 步): 预热由 {usual} 步缩短为 {warm} 步; 可用 --warmup_steps 设定",
        "Short run ({steps} steps): warm-up steps reduced from {usual} to {warm}; set them with --warmup_steps",
    ),
    "short_statistics": (
        "训练步数较少 (共 {steps} 步): 批归一化统计量取最近约 {span:.1f} 步的平均",
        "Short run ({steps} steps): batch normalisation averages its statistics over the last {span:.1f} steps",
    ),
    "batch_size": ("每步样本数: {batch}", "Images per step: {batch}"),
    "epoch": (
        "Epoch {epoch:03d} (耗时: {seconds:.2f}s, LR: {lr:.2e}):",
        "Epoch {epoch:03d} (time: {seconds:.2f}s, LR: {lr:.2e}):",
    ),
    "timing": (
        "时间: 等待数据 {data:.1%}, 计算 {compute:.1%}, 验证 {val:.1%}, 保存 {save:.1%}; 训练 {speed:.1f} 张/秒",
        "Time: waiting for data {data:.1%}, computing {compute:.1%}, validation {val:.1%}, saving {save:.1%}; "
        "training {speed:.1f} images/s",
    ),
    "data_is_the_bottleneck": (
        "数据跟不上计算: {share:.0%} 的时间在等待数据; {hint}",
        "Data loading is the bottleneck: {share:.0%} of the time was spent waiting for it; {hint}",
    ),
    "faster_from_file": (
        "内存足够时去掉 --no_preload, 多个实验共用时加 --shared_memory, "
        "否则加大 --num_workers (现为 {workers}, 每核至多一个)",
        "omit --no_preload if the data fits in memory, add --shared_memory if several experiments share it, "
        "or increase --num_workers (currently {workers}; at most one per core)",
    ),
    "faster_stream": (
        "请加大 --num_workers (现为 {workers}, 每核至多一个), 或先用 glint-unet synth 生成数据集文件",
        "increase --num_workers (currently {workers}; at most one per core), or generate a data set file with "
        "glint-unet synth first",
    ),
    "faster_in_memory": (
        "数据已在内存中: 机器可能被其他程序占满, 请减少 --threads 或错开实验",
        "the data is already in memory: other programs may be using the machine; reduce --threads or run "
        "fewer experiments at once",
    ),
    "saved_best": (
        "  ✅ 保存最佳模型 (Val Loss: {total:.4f})",
        "  ✅ Saved the best model (Val Loss: {total:.4f})",
    ),
    "saved_numbered": ("  💾 保存检查点: {path}", "  💾 Saved checkpoint: {path}"),
    "interrupted": (
        "收到 {signal}, 已保存 (已完成 {epoch} 轮)。继续训练: {command}",
        "{signal} received, state saved (epochs completed: {epoch}). To resume: {command}",
    ),
    "interrupted_not_finite": (
        "收到 {signal}; 权重含有 NaN 或无穷大, 未保存 (已完成 {epoch} 轮)。从最近的完好检查点继续: {command}",
        "{signal} received; the weights were not finite and were not saved (epochs completed: {epoch}). To resume from "
        "the last intact checkpoint: {command}",
    ),
    "finished": (
        "训练完成, 用时 {seconds:.1f}s。最佳: 第 {epoch} 轮, Val Loss {total:.4f}: {path}",
        "Training finished in {seconds:.1f}s. Best: epoch {epoch}, Val Loss {total:.4f}: {path}",
    ),
    "stopped_early": (
        "连续 {patience} 轮没有更好的结果 (最佳: 第 {best} 轮), 在第 {epoch} 轮之后提前结束 (--patience)",
        "No better epoch in the last {patience} (best: epoch {best}): stopped early after epoch {epoch} (--patience)",
    ),
    "summary_best": (
        "最佳轮 {epoch} 的验证结果: F1 {f1} (精确率 {precision}, 召回率 {recall}), 误差中位数 {px_median} 像素",
        "Validation of the best epoch {epoch}: F1 {f1} (precision {precision}, recall {recall}), median error "
        "{px_median} px",
    ),
    "next_evaluate": ("评估: {command}", "Evaluate: {command}"),
    "next_predict": ("在图像或视频中查找光斑: {command}", "Find glints in images or videos: {command}"),
    "next_compare": ("查看全部训练: {command}", "List all runs: {command}"),
    "bar_remaining": ("剩余", "left"),
    "nothing_to_do_stalled": (
        "第 {epoch} 轮之后连续 {patience} 轮没有更好的结果, 已提前结束; 要继续, 请增大 --patience 或设为 0",
        "The run stopped early: no better epoch in the {patience} after epoch {epoch}; to continue, give a larger "
        "--patience, or --patience 0",
    ),
    "nothing_to_do": (
        "已完成 {epoch} 轮, 没有剩余的轮次; 要继续训练, 请增大 --epochs (现为 {epochs})",
        "{epoch} epochs are done and none is left; to continue, give a larger --epochs (currently {epochs})",
    ),
    "rolled_back": (
        "警告: 第 {epoch} 轮第 {step} 步之前损失变为 NaN 或无穷大, 退回到第 {done} 轮之后的检查点, "
        "学习率减半为 {lr:.2e} ({number}/{most})",
        "Warning: the loss became NaN or infinite in epoch {epoch} by step {step}; going back to the checkpoint after "
        "epoch {done} at half the learning rate, {lr:.2e} ({number} of {most})",
    ),
    "deprecated_flag": (
        "警告: --{flag} 已弃用且不起作用, 请用 --output_dir 指定输出目录",
        "Warning: --{flag} is deprecated and has no effect; set the directory with --output_dir",
    ),
    "setting_changed": ("设置已更改: --{name} {was} -> {now}", "Setting changed: --{name} {was} -> {now}"),
    "setting_without_effect": (
        "注意: --{name} {was} -> {now} 不起作用: 只在训练开始时生效, 续训沿用 {was}",
        "Note: --{name} {was} -> {now} has no effect: it applies only at the start of a run, and this run keeps {was}",
    ),
    "damaged_best_aside": (
        "警告: 最佳模型已损坏, 移到 {path}: {reason}",
        "Warning: the best model is damaged and was moved to {path}: {reason}",
    ),
    "checkpoint_passed_over": ("警告: 跳过损坏的检查点: {reason}", "Warning: skipped a damaged checkpoint: {reason}"),
    "history_set_aside": (
        "第 {epoch} 轮之后的旧历史已移到: {path}",
        "The previous history after epoch {epoch} was moved to: {path}",
    ),
    "resume_without_optimizer": (
        "警告: 检查点中没有优化器状态, 优化器重新开始, 结果不会与未中断的训练完全一致",
        "Warning: the checkpoint has no optimizer state; the optimizer starts fresh, so this resume is not exact",
    ),
    "no_optimizer_no_exact_resume": (
        "注意: --no_save_optimizer 使检查点变小, 但之后无法精确续训",
        "Note: with --no_save_optimizer the checkpoints are smaller, but a later resume cannot be exact",
    ),
    # --- settings and devices ---
    "bad_arguments": (
        "参数错误: {reason} (用 --help 查看全部参数)",
        "Invalid arguments: {reason} (--help lists all of them)",
    ),
    "arguments_missing": (
        "缺少参数: {names}; 用 {prog} --help 查看说明",
        "Missing: {names}; {prog} --help describes them",
    ),
    "setting_without_value": ("--{flag} 后缺少值; 请给出一个值", "--{flag} needs a value; add one after the flag"),
    "flag_unknown": (
        "没有参数 {flag}{hint}; 用 {prog} --help 查看全部参数",
        "Unknown flag {flag}{hint}; {prog} --help lists all flags",
    ),
    "argument_extra": (
        "多余的参数: {words}; 请去掉, 或在其前面写上参数名 (用 --help 查看)",
        "Unexpected argument: {words}; remove it, or put its flag before it (--help lists all flags)",
    ),
    "config_unreadable": (
        "无法读取设置文件 {path}: {reason}; 需要 TOML 文件, 或某次训练的 training_args.json",
        "Settings file {path} cannot be read: {reason}; give a TOML file, or the training_args.json of a run",
    ),
    "config_unknown": (
        "{path}: 没有设置 {name!r}{hint}; 请更正或删除 (名称与命令的参数相同, 不带 --)",
        "{path}: unknown setting {name!r}{hint}; correct or remove it (names are those of the flags, without --)",
    ),
    "config_value": (
        "{path}: {name} 的值 {value} 不是文本, 数, true 或 false, 也不是它们的列表; 请更正",
        "{path}: {name} has the value {value}, which is no string, number, true or false, nor a list of these; "
        "correct it",
    ),
    # --- a sweep ---
    "sweep_begins": (
        "参数搜索 {path}: {trials} 组设置, 每组 {seeds} 次训练, 同时进行 {parallel} 个 (每个 {threads} 个 CPU 线程); "
        "已结束 {done} 组",
        "Sweep in {path}: {trials} combinations, {seeds} run(s) each, {parallel} at a time (CPU threads of each: "
        "{threads}); already ended: {done}",
    ),
    "sweep_run_started": ("{run} 开始: {params}", "{run} started: {params}"),
    "sweep_run_resumed": ("{run} 继续训练: {params}", "{run} resumed: {params}"),
    "sweep_trial_complete": (
        "第 {number} 组完成: {metric} {value} ({epochs} 轮, {seconds:.0f} 秒)",
        "Trial {number} complete: {metric} {value} ({epochs} epochs, {seconds:.0f} s)",
    ),
    "sweep_trial_pruned": (
        "第 {number} 组在 {epochs} 轮后停止: {metric} 不及其他各组的中位数",
        "Trial {number} stopped after {epochs} epochs: its {metric} is worse than the median of the others",
    ),
    "sweep_trial_failed": ("第 {number} 组失败: {reason}", "Trial {number} failed: {reason}"),
    "sweep_progress": (
        "{trials} 组中已结束 {done} 组, 大约还需 {left}",
        "{done} of {trials} trials have ended, about {left} left",
    ),
    "sweep_interrupted": (
        "参数搜索 {path} 已停止, 正在进行的训练已保存; 再次运行同一命令即可继续",
        "The sweep in {path} was stopped and its running trials were saved; run the same command again to continue",
    ),
    "sweep_some_interrupted": (
        "{num} 组训练被信号中断; 再次运行同一命令即可继续",
        "Trials interrupted by a signal: {num}; run the same command again to continue them",
    ),
    "sweep_none_complete": (
        "没有一组训练完成; 原因在 sweep.csv 和 consoles 目录中",
        "No trial is complete; the reasons are in sweep.csv and in the directory consoles",
    ),
    "sweep_table_written": ("全部结果: {path}", "All results: {path}"),
    "sweep_picture": ("图: {path}", "Picture: {path}"),
    "sweep_best": (
        "最佳: 第 {number} 组, {metric} {value:.4f}: {params}",
        "Best: trial {number}, {metric} {value:.4f}: {params}",
    ),
    "sweep_as_good": (
        "与最佳的差别小于各随机种子之间的波动 (两倍标准误差): 第 {numbers} 组",
        "Not distinguishable from the best, given the spread over the seeds (two standard errors): trials {numbers}",
    ),
    "sweep_command": ("用最佳设置训练: {command}", "To train with the best settings: {command}"),
    "sweep_exit_status": ("退出状态 {status}", "exit status {status}"),
    "sweep_killed": (
        "被 {signal} 终止 (若为 SIGKILL, 可能是内存不足)",
        "killed by {signal} (if SIGKILL, possibly because memory ran out)",
    ),
    "sweep_no_value": (
        "没有一轮得到 {metric} 的值 (没有找到反光点)",
        "no epoch has a value of {metric} (no glint was found)",
    ),
    "sweep_differs": (
        "{path} 中的参数搜索用了不同的设置 ({listed}); 请用原来的命令继续, 或换一个 --output_dir",
        "The sweep in {path} was begun with other settings ({listed}); continue it with the same command, or choose "
        "another --output_dir",
    ),
    "sweep_record_damaged": (
        "{path} 已损坏: {reason}; 请换一个 --output_dir",
        "{path} is damaged: {reason}; choose another --output_dir",
    ),
    "sweep_in_use": (
        "{path} 正被另一个参数搜索使用 (进程 {pid}, 主机 {host}); 请换一个 --output_dir 或等它结束",
        "{path} is in use by another sweep (process {pid} on {host}); choose another --output_dir or wait for it to "
        "finish",
    ),
    "sweep_without_directory": (
        "请用 --output_dir 指定参数搜索的目录",
        "--output_dir is missing; specify the directory of the sweep",
    ),
    "sweep_nothing_to_vary": (
        "没有要改变的设置; 例如 --set loss=focal,hybrid --set lr=1e-4..1e-2:log",
        "There is no setting to vary; for example: --set loss=focal,hybrid --set lr=1e-4..1e-2:log",
    ),
    "sweep_flag_taken": (
        "{flags} 由 sweep 自己给出; 请去掉 (设备用 --gpus, 最佳轮次用 --metric)",
        "sweep sets {flags} itself; remove it (devices: --gpus, criterion of the best epoch: --metric)",
    ),
    "sweep_not_varied": (
        "--set 不能改变 {names}; 请去掉 (多个随机种子用 --seeds)",
        "--set cannot vary {names}; remove it (for several random seeds, use --seeds)",
    ),
    "sweep_given_twice": (
        "--{name} 与 --set {name}=... 矛盾; 请去掉其中之一",
        "--{name} and --set {name}=... contradict each other; remove one of them",
    ),
    "sweep_total_differs": (
        "改变 {names} 时, 各组的 total 损失不可比较; 请用 --metric f1 或 px_error",
        "The total losses of trials that differ in {names} cannot be compared; use --metric f1 or px_error",
    ),
    "sweep_cluster": (
        "无法使用 Slurm: {reason}; 请在集群的登录节点上运行, 并检查 --slurm, 或用 --engine local",
        "Slurm cannot be used: {reason}; run it on a login node of the cluster and check --slurm, or use "
        "--engine local",
    ),
    "sweep_slurm_form": (
        "--slurm {value!r} 的格式无效; 例如 partition=gpu,gpus_per_node=1,cpus_per_task=8,timeout_min=240",
        "--slurm {value!r} is not valid; for example: partition=gpu,gpus_per_node=1,cpus_per_task=8,timeout_min=240",
    ),
    "sweep_engine_flags": (
        "{flags} 不适用于 --engine {engine}; 请去掉 (本机的 GPU 用 --gpus, Slurm 的用 --slurm gpus_per_node=1)",
        "{flags} does not apply to --engine {engine}; remove it (GPUs of this machine: --gpus; of Slurm: --slurm "
        "gpus_per_node=1)",
    ),
    "sweep_per_gpu": (
        "--per_gpu {value} 没有作用: 没有 --gpus; 请加上 --gpus, 或用 --parallel",
        "--per_gpu {value} has no effect without --gpus; add --gpus, or use --parallel",
    ),
    "sweep_parallel": (
        "--parallel {value} 多于 --gpus {gpus} --per_gpu {per_gpu} 所能容纳的; 请减小它, 或增大 --per_gpu",
        "--parallel {value} is more than --gpus {gpus} --per_gpu {per_gpu} can hold; reduce it, or increase --per_gpu",
    ),
    "sweep_set_form": (
        "--set {value!r} 的格式无效; 应为列表 (--set loss=focal,hybrid) 或范围 (--set lr=1e-4..1e-2:log)",
        "--set {value!r} is not valid; give a list (--set loss=focal,hybrid) or a range (--set lr=1e-4..1e-2:log)",
    ),
    "sweep_range": (
        "--set {value!r} 的范围无效: 下限必须小于上限, 带 :log 时大于 0, 整数设置用整数",
        "--set {value!r} is not a valid range: the first number must be smaller than the second, above 0 with :log, "
        "and both whole for settings that are whole numbers",
    ),
    "setting_not_a_choice": (
        "--{flag} 的值 {value!r} 无效, 可选: {choices}",
        "--{flag} {value!r} is not a valid choice; choose one of: {choices}",
    ),
    "setting_not_a_number": (
        "--{flag} 的值 {value!r} 不是有限的数, 请给出一个数",
        "--{flag} {value!r} is not a finite number; give a number",
    ),
    "setting_not_whole": (
        "--{flag} 的值 {value!r} 不是整数, 请给出一个整数",
        "--{flag} {value!r} is not a whole number; give an integer",
    ),
    "setting_not_text": (
        "--{flag} 的值 {value!r} (类型 {kind}) 不能用作文本或路径; 请给出字符串",
        "--{flag} {value!r} (of type {kind}) cannot be used as text or path; give a string",
    ),
    "setting_not_a_path": (
        "--{flag} {value!r} 含有 NUL 字符, 不能用作路径; 请去掉它",
        "--{flag} {value!r} contains a NUL character, which is not allowed in paths; remove it",
    ),
    "setting_empty": (
        "--{flag} 的值为空; 请给出一个值, 或去掉该参数",
        "--{flag} is empty; give it a value, or omit the flag",
    ),
    "no_constellation": (
        "{path}: 该模型没有记录 LED 布局 (少于 4 个 LED, 或由更早的版本训练); 请用 constellation=None",
        "{path}: this model has recorded no constellation of LEDs (fewer than 4, or trained by an earlier version); "
        "use constellation=None",
    ),
    "rig_without_constellation": (
        "{rig} 的布局只用于一起解码各 LED; 请去掉 --rig, 或去掉 --no_constellation",
        "The layout of {rig} is for decoding all LEDs together; omit --rig, or omit --no_constellation",
    ),
    "rig_no_constellation": (
        "{path} 有 {num} 个 LED; --rig 需要位于不同位置的至少 {least} 个 LED; 请更正该文件, 或去掉 --rig",
        "{path} has {num} LEDs; --rig requires at least {least}, at different places; correct the file, or omit --rig",
    ),
    "rig_other_leds": (
        "{path} 有 {num} 个 LED, {run} 的模型有 {expected} 个; 请用有 {expected} 个 LED 的装置文件, 或用 --class_free "
        "训练的模型, 它适用于任何装置",
        "{path} has {num} LEDs, but the model of {run} has {expected}; use a rig file of {expected} LEDs, or a model "
        "trained with --class_free, which takes any rig",
    ),
    "onnx_without_peaks": (
        "{path} 不输出 --rig 所需的峰; 请用其训练目录代替该文件",
        "{path} does not return the peaks that --rig requires; use the run directory instead of the file",
    ),
    "setting_out_of_range": (
        "--{flag} 的值 {value} 超出范围, 需要 {limit}",
        "--{flag} {value} is out of range; it must be {limit}",
    ),
    "range_between": ("{low} 到 {high}", "{low} to {high}"),
    "range_both": ("{low} 且 {high}", "{low} and {high}"),
    "h5_required": ("缺少 --h5, 请指定数据集文件", "--h5 is missing; specify the data set file"),
    "file_targets_augmented": (
        "--targets file 的热图不能随图像变换; 请加 --no_augment, 或用 --targets keypoints",
        "The heatmaps of --targets file cannot follow augmented images; add --no_augment, or use --targets keypoints",
    ),
    "any_layout_not_class_free": (
        '{path} 每张图的布局都不同 (layout = "any"), 各 LED 无从分辨; 请加 --class_free, 或写明布局',
        '{path} has another layout in each image (layout = "any"), so LEDs cannot be told apart; add --class_free, or '
        "describe one layout",
    ),
    "class_free_conflict": (
        "--class_free 只有一个热图通道, 与 --decoding {decoding} --div_weight {div_weight:g} 不相容; 请用 "
        "--decoding subpixel --div_weight 0",
        "--class_free has a single heatmap channel, which contradicts --decoding {decoding} --div_weight "
        "{div_weight:g}; use --decoding subpixel --div_weight 0",
    ),
    "no_heatmaps_in_file": (
        "{path} 中没有热图, 不能用 --targets file; 请用 --targets keypoints",
        "{path} contains no heatmaps, which --targets file needs; use --targets keypoints",
    ),
    "flip_not_a_permutation": (
        "--flip {value} 不是 {num_leds} 个 LED 左右翻转后的次序 (翻转两次须复原), 例如 1,8,7,6,5,4,3,2",
        "--flip {value} is not the order of {num_leds} LEDs after a left-right flip (flipping twice must restore "
        "the order); example: 1,8,7,6,5,4,3,2",
    ),
    "rig_and_flags": (
        "--rig 文件已含有这些内容, 不能同时给出: {flags}",
        "The --rig file already sets these; remove: {flags}",
    ),
    "hybrid_without_weights": (
        "--loss hybrid 的 --lam_focal, --lam_bce, --lam_dice 全为 0, 至少一个要大于 0",
        "--loss hybrid needs a positive --lam_focal, --lam_bce or --lam_dice; all of them are 0",
    ),
    "sigma_not_positive": (
        "--sigma_min {sigma_min} 必须大于 0, --sigma_scale {sigma_scale} 不能为负",
        "--sigma_min {sigma_min} must be > 0 and --sigma_scale {sigma_scale} >= 0",
    ),
    "recipe_not_applied": (
        'recipe={recipe!r} 但没有一项设置与该配方相符; 在 Python 中请用 TrainConfig.of_recipe("{recipe}", ...)',
        'recipe={recipe!r}, but none of its settings is applied; in Python, use TrainConfig.of_recipe("{recipe}", ...)',
    ),
    "no_gpu": (
        "{requested}: 本机没有这个 GPU (可用 CUDA 设备数: {found}); 去掉该参数则用 CPU",
        "{requested}: no such GPU (CUDA devices here: {found}); omit the flag to use the CPU",
    ),
    "not_a_device": (
        "--device {value!r}: 没有这种设备; 可用: {choices}",
        "--device {value!r}: no such device; use one of {choices}",
    ),
    "onnx_is_exported": (
        "{path} 已是导出的模型; 请给出训练目录或检查点",
        "{path} is already an exported model; specify a run directory or a checkpoint",
    ),
    "onnx_on_cpu": (
        "{path}: .onnx 文件只在 CPU 上运行, 不用 --device {value}; 请去掉该参数, 或给出训练目录",
        "{path}: .onnx files run on the CPU, not on --device {value}; omit the flag, or specify the run directory",
    ),
    "batch_auto_without_gpu": (
        "--batch auto 按 GPU 显存选择; 本次在 CPU 上训练, 请给出数字, 例如 --batch 8",
        "--batch auto depends on the memory of a GPU, and this run uses the CPU; give a number, e.g. --batch 8",
    ),
    "batch_auto_does_not_fit": (
        "{device}: 剩余显存 (可用 {free_mb} MB) 连最小的一批都放不下; "
        "请换一个 GPU, 减小 --base_channels, 或用 --cache ram",
        "{device}: even the smallest batch does not fit into its free memory ({free_mb} MB); use another GPU, a "
        "smaller --base_channels, or --cache ram",
    ),
    "gpu_not_a_number": (
        "--gpu {value!r} 不是设备编号, 例如 --gpu 0",
        "--gpu {value!r} is not a device number; example: --gpu 0",
    ),
    "gpu_and_cpu": (
        "--gpu {value} 与 --device cpu 矛盾, 请去掉其中一个",
        "--gpu {value} contradicts --device cpu; remove one of them",
    ),
    "part_too_small": (
        "--batch {batch}: 某一步只有一张不超过 {limit} 像素的图像, 批归一化无法计算; "
        "请换一个 --batch, 减少 --accumulate 或进程数, 或用更大的图像",
        "--batch {batch} leaves a step with one image of at most {limit} px, for which batch normalisation is "
        "undefined; choose another --batch, a smaller --accumulate, fewer processes, or larger images",
    ),
    "gpus_and_processes": (
        "--processes {processes} 用于 CPU; 多个 GPU 请只用 --gpu {value}",
        "--processes {processes} is for the CPU; for several GPUs, use only --gpu {value}",
    ),
    "gpus_in_group": (
        "启动了 {size} 个进程, 但 --gpu {value} 给出 {num} 个 GPU; 两者应相等",
        "{size} processes were started, but --gpu {value} selects {num} GPUs; the two numbers must be equal",
    ),
    "out_of_memory": (
        "内存或显存不足: {reason}; 请减小 --batch, --base_channels 或图像尺寸, 或换一个 GPU (nvidia-smi 可查看占用者); "
        "已保存的结果不受影响",
        "Out of memory: {reason}; reduce --batch, --base_channels or the image size, or use another GPU (nvidia-smi "
        "shows its processes); saved files are intact",
    ),
    "rank_lost": (
        "训练进程 {rank} 的连接中断: {reason}",
        "Training process {rank} lost its connection to the others: {reason}",
    ),
    "rank_died": (
        "训练进程 {rank} 意外终止 ({how}), 其余进程已停止; 用 --resume 从最近的检查点继续",
        "Training process {rank} died ({how}) and the others were stopped; use --resume to continue from the last "
        "checkpoint",
    ),
    "nodes_other_data": (
        "{path}: 本机文件的 MD5 是 {md5}, 主进程所用的是 {expected}; 各节点须用相同的数据集, 请重新复制",
        "{path} has MD5 {md5} on this node, but {expected} on that of the main process; every node needs the same data "
        "set: copy it again",
    ),
    "elastic_without_output_dir": (
        "torchrun --max_restarts 重启后从 --output_dir 续训; 请指定 --output_dir",
        "After a restart by torchrun --max_restarts, the run continues from --output_dir; specify it",
    ),
    "elastic_other_node": (
        "{path} 不在主进程所在的节点上, 重启后无法续训; 请将 --output_dir 放在各节点共享的文件系统上",
        "{path} is not on the node of the main process, which therefore cannot continue it after a restart; put "
        "--output_dir on a file system that all nodes share",
    ),
    "elastic_restart": ("启动器已重启各进程, 从 {path} 续训", "Restarted by the launcher; resuming {path}"),
    "group": (
        "{size} 个进程一起训练, 每批 {batch} 张图像由它们分担",
        "{size} processes train together and share each batch of {batch} images",
    ),
    # --- disks and memory ---
    "disk_full": (
        "磁盘空间不足, 未能写入 {path} (剩余 {free_mb} MB), 原文件完好; 请清理空间",
        "Disk full or nearly full: {path} was not written ({free_mb} MB free); the previous file is intact; "
        "free up some space",
    ),
    "disk_too_small": (
        "{path} 所在磁盘放不下检查点: 需要 {need_mb} MB, 剩余 {free_mb} MB; 请清理空间或减小 --keep_last_n",
        "The disk of {path} cannot hold the checkpoints: {need_mb} MB needed, {free_mb} MB free; free up some space or "
        "reduce --keep_last_n",
    ),
    "memory_too_small": (
        "内存放不下 {path}: 需要 {need_mb} MB, 可用 {free_mb} MB; 请用 --no_preload 逐批读取",
        "{path} does not fit in memory: {need_mb} MB needed, {free_mb} MB free; use --no_preload to read it in batches",
    ),
    "not_writable": (
        "无法写入 {path}: {reason}; 请换一个路径或修改权限",
        "{path} cannot be written: {reason}; choose another path or change the permissions",
    ),
    "not_writable_by_flag": (
        "无法写入 {path}: {reason}; 请换一个 {flag} 或修改权限",
        "{path} cannot be written: {reason}; choose another {flag} or change the permissions",
    ),
    # --- data sets ---
    "dataset_missing_file": ("数据集文件不存在: {path}; 请检查路径", "No such data set file: {path}; check the path"),
    "dataset_not_hdf5": (
        "{path} 不是完整的 HDF5 文件 ({size} 字节; {reason}); 请重新复制或重新打包",
        "{path} is not a complete HDF5 file ({size} bytes; {reason}); copy or pack it again",
    ),
    "dataset_locked": (
        "{path} 正被另一个进程写入; 请等它写完",
        "{path} is being written by another process; wait until it has finished",
    ),
    "dataset_unreadable": (
        "无法读取 {path}: {reason}; 请检查权限",
        "{path} cannot be read: {reason}; check the permissions",
    ),
    "dataset_changing": (
        "{path} 在读取时不断变化; 请等写入结束",
        "{path} keeps changing while it is being read; wait until the writer has finished",
    ),
    "dataset_replaced": (
        "{path} 的内容与开始时不同 (文件已被替换或改写); 请恢复原文件, 或用新的数据集重新开始训练",
        "The content of {path} has changed since the start (replaced or rewritten); restore the file, or start a new "
        "run on the new data",
    ),
    "dataset_missing_part": (
        "{path} 缺少数据集 {name} (文件中有: {found}); 至少需要 images 和 heatmaps (或 keypoints)",
        "{path} has no dataset {name} (found: {found}); images and heatmaps (or keypoints) are required",
    ),
    "dataset_not_a_dataset": (
        "{path} 中的 {name} 是组而不是数据集; 请重新打包",
        "{name} in {path} is a group, not a dataset; pack the file again",
    ),
    "dataset_shape": (
        "{path} 中 {name} 的形状为 {shape}, 应为 {expected}",
        "{name} in {path} has shape {shape}; it must be {expected}",
    ),
    "dataset_dtype": (
        "{path} 中 {name} 的类型为 {dtype}, 应为 {expected} 之一; 请转换后再保存",
        "{name} in {path} has dtype {dtype}; it must be one of {expected}: convert it",
    ),
    "dataset_empty": (
        "{path} 中没有图像 (N=0); 至少需要 2 张",
        "{path} contains no images (N=0); at least 2 are required",
    ),
    "dataset_channels": (
        "{path} 有 {channels} 个通道, 应为 1 到 {limit}",
        "{path} has {channels} channels; 1 to {limit} are supported",
    ),
    "dataset_stride": (
        "{path}: 图像 {H}x{W} 与热图 {h}x{w} 不匹配; H/h 与 W/w 必须同为 1, 2 或 4",
        "{path}: image {H}x{W} and heatmap {h}x{w} do not match; H/h and W/w must both be 1, both 2 or both 4",
    ),
    "dataset_attribute": (
        "{path} 的属性 {name}={value!r} 无效, 应为正数",
        "Attribute {name}={value!r} of {path} is invalid; it must be a positive number",
    ),
    "dataset_attribute_text": (
        "{path} 的属性 {name}={value!r} 无效, 应为字符串",
        "Attribute {name}={value!r} of {path} is invalid; it must be a string",
    ),
    "dataset_foreign_parts": (
        "{path} 中的 {name} 指向文件之外 ({kind}), 为安全起见拒绝; 请把数据写入文件本身",
        "{name} in {path} refers to data outside the file ({kind}) and is refused; store the data in the file itself",
    ),
    "dataset_filter": (
        "{path} 中 {name} 用了不支持的压缩 {filters}; 请用 gzip 或 lzf 重新保存",
        "{name} in {path} uses the unsupported filters {filters}; save it with gzip or lzf",
    ),
    "dataset_bomb": (
        "{path} 中 {name} 声明 {declared} 字节却只存了 {stored} 字节 (超过 {ratio} 倍), 拒绝; 请重新打包",
        "{name} in {path} declares {declared} bytes but stores only {stored} (a ratio above {ratio}) and is refused; "
        "pack it again",
    ),
    "dataset_chunks": (
        "{path} 中 {name} 的分块 {chunks} 超过 {limit} 字节; 请用更小的分块保存",
        "{name} in {path} has chunks {chunks} of more than {limit} bytes; save it with smaller chunks",
    ),
    "dataset_damaged": (
        "{path} 中的 {name} 已损坏: {reason}; 请重新复制或重新打包",
        "{name} in {path} is damaged: {reason}; copy or pack it again",
    ),
    "dataset_crashes": (
        "{path} 使 HDF5 库崩溃 ({how}), 文件已损坏或有恶意; 请重新复制或重新打包",
        "{path} crashes the HDF5 library ({how}): the file is damaged or malicious; copy or pack it again",
    ),
    "dataset_hangs": (
        "读取 {path} 时 {seconds:.0f} 秒没有进展, 文件已损坏或磁盘没有响应; 请检查磁盘或重新打包",
        "Reading {path} made no progress for {seconds:.0f} s: the file is damaged or the disk does not respond; check "
        "the disk, or pack the file again",
    ),
    "dataset_values": (
        "{path} 中 {name} 的值域为 {low} 到 {high} (含 NaN 或越界), 应在 0 到 1 之间 (keypoints: 有限数或 NaN)",
        "{name} in {path} has values from {low} to {high} (NaN or out of range); heatmaps must be in 0 to 1, keypoints "
        "finite or NaN",
    ),
    "dataset_keypoint_outside": (
        "{path} 第 {row} 行 LED {led} 的关键点 ({x:.6g}, {y:.6g}) 在 {W}x{H} 的图像之外; "
        "没有该反光点时请写 NaN (或 present 写 0)",
        "{path}, row {row}: the keypoint of LED {led} at ({x:.6g}, {y:.6g}) is outside the image of {W}x{H}; for an "
        "absent glint, store NaN (or present 0)",
    ),
    "dataset_present_without_peak": (
        "{path} 第 {row} 行 LED {led} 的 present 不为 0, 但热图最大值为 {peak:.3g}, 低于 {limit}; "
        "请将每张热图除以其最大值, 或 present 写 0",
        "{path}, row {row}: LED {led} is present, but the peak of its heatmap is {peak:.3g}, below {limit}; divide "
        "each heatmap by its maximum, or store present 0",
    ),
    "dataset_low_peaks": (
        "{path} 中 LED {led} 的热图最大值为 {highest:.3g}, 低于 {limit}, 所有反光点都会被当作不存在; "
        "请将每张热图除以其最大值",
        "The heatmaps of LED {led} in {path} have a maximum of {highest:.3g}, below {limit}, so its glint would count "
        "as absent everywhere; divide each heatmap by its maximum",
    ),
    "dataset_uint8_heatmaps": (
        "{path} 的 uint8 热图最大值为 1, 应为 0 到 255; 请乘以 255 后再保存",
        "The uint8 heatmaps of {path} have a maximum of 1 instead of 255; multiply them by 255",
    ),
    "dataset_too_small": (
        "图像太少: N={num}, --val_split {val_split} 得到 {num_val} 张验证图像; "
        "训练和验证都至少要 1 张, 请增加图像或调整 --val_split",
        "Too few images: N={num} with --val_split {val_split} gives {num_val} validation images; training and "
        "validation need at least 1 each: add images or change --val_split",
    ),
    "output_exists": (
        "{path} 已存在; 要替换请加 --overwrite",
        "{path} already exists; add --overwrite to replace it",
    ),
    "output_no_directory": ("目录不存在: {path}; 请先建立", "No such directory: {path}; create it first"),
    # --- annotations ---
    "rig_missing": ("无法读取装置文件 {path}: {reason}", "Rig file {path} cannot be read: {reason}"),
    "rig_not_of_model": (
        "{path} 有 {num} 个 LED, 图像 {H}x{W}; 模型有 {num_leds} 个, 图像 {model_H}x{model_W}; 请恢复原文件",
        "{path} has {num} LEDs and images of {H}x{W}, the model {num_leds} and {model_H}x{model_W}; restore the file",
    ),
    "rig_not_toml": ("装置文件 {path} 不是有效的 TOML: {reason}", "Rig file {path} is not valid TOML: {reason}"),
    "rig_entry": (
        "装置文件 {path} 中 {entry} 的值 {value} 不可用; 可用: {allowed}",
        "{entry} = {value} in rig file {path} is invalid; allowed: {allowed}",
    ),
    "annotation_no_directory": (
        "标注目录不存在: {path}",
        "No such directory of annotations: {path}",
    ),
    "annotation_none": (
        "{path} 中没有 JSON 标注文件; 子目录请加 --recursive",
        "No JSON annotations in {path}; add --recursive to search its subfolders",
    ),
    "annotation_all_bad": (
        "{path} 的 {num} 个标注文件都不可用, 未写入任何文件",
        "None of the {num} annotation files of {path} can be used; nothing was written",
    ),
    "annotation_not_json": ("{path} 不是有效的 JSON: {reason}", "{path} is not valid JSON: {reason}"),
    "annotation_too_large": ("{path} 超过 {limit_mb} MB", "{path} is larger than {limit_mb} MB"),
    "annotation_not_readable": (
        "无法将 {path} 作为 {kind} 标注读取: {reason}",
        "{path} cannot be read as {kind} annotations: {reason}",
    ),
    "annotation_format": (
        "无法判断 {path} 的标注格式; 请加 --format, 可用: {known}",
        "Cannot determine the annotation format of {path}; specify it with --format: {known}",
    ),
    "annotation_no_led": (
        "{path} 的标签 ({labels}) 都不是 LED 的标签 (前缀加编号, 如 {prefix}1); 请更正标签或用 --prefix 指定前缀",
        "None of the labels of {path} ({labels}) belongs to an LED (prefix and number, e.g. {prefix}1); "
        "correct the labels or set the prefix with --prefix",
    ),
    "annotation_no_labels": (
        "{path} 中没有标签, 无法推断 LED 的数量; 请用 --num_classes 指定",
        "{path} has no labels from which to infer the number of LEDs; specify it with --num_classes",
    ),
    "annotation_led": (
        "{path} 的标签 {label} 的编号应为 1 到 {num_classes}; 请更正标签或调整 --num_classes (前缀为 {prefix})",
        "The number of the label {label} in {path} must be 1 to {num_classes} (after the prefix {prefix}); correct the "
        "label or change --num_classes",
    ),
    "annotation_led_twice": (
        "{path} 中标签 {label} 的 LED 标注了两次; 请删去其一",
        "{path} annotates the LED of the label {label} twice; remove one of the two",
    ),
    "annotation_stem_twice": (
        "{first} 与 {second} 的名称相同 ({stem}), 无法区分; 请改名或删去其一",
        "{first} and {second} have the same name ({stem}) and could not be told apart; rename or remove one of them",
    ),
    "annotation_image_twice": (
        "{first} 与 {second} 标注同一幅图像 {image}; 请删去其一",
        "{first} and {second} annotate the same image {image}; remove one of them",
    ),
    "annotation_image_ambiguous": (
        "{first} 与 {second} 同名, 无法确定标注的是哪一幅; 请移走其一, 或在标注中写明后缀",
        "{first} and {second} have the same name, so it is unclear which one is annotated; move one of them "
        "away, or include the suffix in the annotation",
    ),
    "prefix_not_text": (
        "--prefix {value!r} 不是可保存的文字; 请换一个前缀",
        "--prefix {value!r} cannot be stored as text; use another prefix",
    ),
    "format_without_annotations": (
        "--format {value} 需要 --annotations 指定文件; 没有它时读取的是 LabelMe 文件",
        "--format {value} needs a file, given by --annotations; without one, LabelMe files are read",
    ),
    "annotation_empty": ("{path} 中没有图像", "{path} names no image"),
    "annotation_not_finite": (
        "{label} 的坐标 ({x}, {y}) 或半径 {radius} 不是有限的数",
        "{label} at ({x}, {y}) with radius {radius} is not finite",
    ),
    "annotation_no_name": ("有一幅图像没有名称", "an image has no name"),
    "annotation_key_twice": ("同一对象中键 {name} 出现两次", "an object has the same key twice: {name}"),
    "annotation_no_keypoints": (
        "没有一个类别含 keypoints; 不支持框和掩膜",
        "no category has keypoints; boxes and masks are not supported",
    ),
    "annotation_ids": ("{part} 中有两项的 id 相同", "two entries of {part} have the same id"),
    "annotation_values": (
        "{names} 个关键点应有三倍的值, 实际为 {num} 个",
        "{num} values for {names} keypoints; there must be three each",
    ),
    "annotation_visibility": (
        "{label} 的可见性 (visibility) 为 {value}, 应为 0, 1 或 2",
        "{label} has the visibility {value}; it must be 0, 1 or 2",
    ),
    "annotation_entities": ("文件声明了实体 (ENTITY 或 DOCTYPE)", "the file declares entities, which is refused"),
    "annotation_of_video": (
        "有形状不在图像之内; 请导出为 CVAT for images 而不是 CVAT for video",
        "shapes outside images; export the task as CVAT for images, not as CVAT for video",
    ),
    "annotation_other_shape": (
        "{label} 的形状是 {kind}; LED 只支持 points 和 ellipse",
        "{label} is a {kind}; the shape of an LED must be points or ellipse",
    ),
    "annotation_several_points": (
        "{label} 含 {num} 个点, 应为 1 个",
        "{label} has {num} points; it must have 1",
    ),
    "annotation_columns": ("缺少列 {names}, 或其出现多次", "no column {names}, or several of that name"),
    "annotation_line_long": (
        "第 {number} 行有 {num} 个值, 多于首行的 {columns} 列",
        "line {number} has more values ({num}) than the first line has columns ({columns})",
    ),
    "annotation_line_short": (
        "第 {number} 行有 {num} 个值, 少于首行的 {columns} 列",
        "line {number} has fewer values ({num}) than the first line has columns ({columns})",
    ),
    "annotation_no_led_in_line": ("第 {number} 行有坐标但没有 led", "line {number} has a point but no led"),
    "annotation_half_line": (
        "第 {number} 行的 x 与 y 只有一个",
        "line {number} has one coordinate without the other",
    ),
    "annotation_half_point": ("{label} 的 x 与 y 只有一个", "{label} has one coordinate without the other"),
    "annotation_led_number": ("led {label} 不是 LED 的编号", "led {label} is not the number of an LED"),
    "annotation_header": (
        "表头行 {name} 出现两次或不在开头",
        "the header line {name} appears twice or below the header",
    ),
    "annotation_coordinate": (
        "第 {number} 列 ({label}) 的坐标名 {name!r} 不是 x, y 或 likelihood",
        "column {number} ({label}) has the coordinate {name!r}, not x, y or likelihood",
    ),
    "annotation_individuals": (
        "{label} 的 {name} 出现两次; 不支持多个体的文件",
        "{label} has {name} twice: files of several individuals are not supported",
    ),
    "annotation_note_no_image": (
        "标注的图像 {path} 不存在; 请用 --in_dir 指明图像目录",
        "The annotated image {path} is missing; specify the image directory with --in_dir",
    ),
    "annotation_not_labelme": (
        "{path} 不是 LabelMe 标注 (缺少 shapes 列表或标签)",
        "{path} is not a LabelMe annotation (no list of labelled shapes)",
    ),
    "annotation_no_image": (
        "{path} 的图像找不到 (imagePath: {named!r}); 请放在 JSON 旁边",
        "The image of {path} is missing (imagePath: {named!r}); put it beside the JSON file",
    ),
    "annotation_other_size": (
        "{path} 标注的图像大小为 {declared}, 实际为 {found}",
        "{path} was annotated on an image of {declared}, but the image is {found}",
    ),
    "annotation_shape": (
        "{path} 中 {label} 是含 {num} 个点的 {kind}; 只支持 circle (2 点) 和 point (1 点)",
        "{label} of {path} is a {kind} of {num} points; use a circle (2 points) or a point (1)",
    ),
    "annotation_points": (
        "{path} 中 {label} 的坐标或半径不是有限的数",
        "The points or the radius of {label} in {path} are not finite numbers",
    ),
    "annotation_radius": (
        "{path} 中 {label} 的半径 {radius:.0f} 大于 {W}x{H} 的图像",
        "The radius {radius:.0f} of {label} in {path} is larger than its image of {W}x{H}",
    ),
    "annotation_outside": (
        "{path} 中 {label} 的中心 ({x:.1f}, {y:.1f}) 在 {W}x{H} 的图像之外",
        "The centre ({x:.1f}, {y:.1f}) of {label} in {path} is outside its image of {W}x{H}",
    ),
    "image_pages": (
        "{path} 含 {num} 幅图像 (多页); 请每幅存为一个文件",
        "{path} contains {num} images (pages); save each one as a separate file",
    ),
    "image_levels": (
        "{path} 的灰度从 {low:g} 到 {high:g}, 应在 0 到 {limit:g} 之间; 请换算后保存",
        "{path} has grey levels from {low:g} to {high:g}; they must be in 0 to {limit:g}: rescale and save it again",
    ),
    "image_deep_colour": (
        "{path} 是很暗的 16 位彩色图像, 转换后近乎全黑; 请存为灰度或 8 位图像",
        "{path} is a dark 16-bit colour image, which would become nearly black; save it as greyscale or with 8 bits",
    ),
    "image_unreadable": ("无法读取图像 {path}: {reason}", "Image {path} cannot be read: {reason}"),
    "images_form": (
        "图像的形状为 {shape}, 类型为 {dtype}; 应为 (H, W) 或 (B, H, W), 末尾可加长度 1 或 3 的颜色轴, 类型 uint8, "
        "uint16 或 0..1 的 float",
        "Images have shape {shape} and dtype {dtype}; they must be (H, W) or (B, H, W), optionally with a last axis of "
        "1 or 3 channels, as uint8, uint16 or float in 0..1",
    ),
    "images_range": (
        "浮点图像的值为 {low} 到 {high} (或含 NaN); 应在 0 到 1 之间, 请先除以最大值",
        "Float images have values from {low} to {high} (or NaN); they must be in 0..1: divide by the white level first",
    ),
    "run_without_best": (
        "{path} 中还没有最佳模型 best_model.pth; 请先训练至少一轮, 或给出一个检查点文件",
        "{path} contains no best_model.pth yet; train for at least one epoch, or specify a checkpoint file",
    ),
    # --- using a model ---
    "media_missing": ("输入不存在: {path}", "No such input: {path}"),
    "media_no_images": ("文件夹 {path} 中没有图像", "The folder {path} contains no images"),
    "media_no_match": ("没有文件匹配 {path}", "No file matches {path}"),
    "media_unknown": (
        "{path} 不是图像、视频或数据集; 可用的后缀: {known}",
        "{path} is not an image, video or data set; supported suffixes: {known}",
    ),
    "media_no_video": (
        "无法作为视频打开: {path}; 请检查文件或摄像头编号, 或用 ffmpeg 转换",
        "Cannot be opened as a video: {path}; check the file or the camera number, or convert it with ffmpeg",
    ),
    "media_cannot_write": (
        "无法写视频 {path}; 请换用 .mp4 或 .avi, 并检查磁盘空间",
        "Video {path} cannot be written; use .mp4 or .avi, and check the disk space",
    ),
    "media_all_broken": (
        "{path} 的 {num} 帧全部无法读取, 例如: {reason}",
        "None of the {num} frames of {path} can be read, e.g.: {reason}",
    ),
    "out_ending": ("--{flag} {path} 的后缀应为: {known}", "--{flag} {path} must end with one of: {known}"),
    "labelme_not_empty": (
        "{path} 中已有 JSON 标注, 不会覆盖; 请换一个目录",
        "{path} already holds JSON annotations, which are not overwritten; choose another directory",
    ),
    "labelme_would_replace": (
        "{path} 已存在, 不会覆盖; 请为 --labelme 换一个目录",
        "{path} already exists and is not replaced; choose another directory for --labelme",
    ),
    "overlay_over_input": (
        "{path} 是输入图像, 不会覆盖; 请为 --overlay 换一个目录",
        "{path} is an input image and is not replaced; choose another directory for --overlay",
    ),
    "frame_undecodable": ("无法解码", "cannot be decoded"),
    "video_ends_early": ("视频到此为止, 文件头却说有 {declared} 帧", "the video ends here; its header says {declared}"),
    "frame_broken": ("跳过: {source} 第 {number} 帧: {reason}", "Skipped: {source}, frame {number}: {reason}"),
    "predicted": (
        "{num} 帧, 跳过 {broken} 帧, {fps:.1f} 帧/秒: {path}",
        "{num} frames, {broken} skipped, {fps:.1f} frames/s: {path}",
    ),
    "page_image": (
        "{source}, {W}x{H} 像素: {num} 个反光点 (分数不低于 {threshold:.2f})",
        "{source}, {W}x{H} pixels: {num} glints (score at least {threshold:.2f})",
    ),
    "page_columns": ("反光点 x y ±像素 分数", "glint x y ±px score"),
    "page_frames": (
        "{num} 帧, 平均每帧 {mean:.1f} 个反光点, {empty} 帧没有",
        "{num} frames, {mean:.1f} glints per frame on average, {empty} frames without any",
    ),
    "page_no_glints": (
        "没有找到反光点。图像先缩放到 {W}x{H} 像素: 大图请裁剪到眼睛, 或用 --rig 给出装置文件, 或降低 --threshold",
        "No glints were found. The image is scaled to {W}x{H} pixels first: crop a large image to the eye, give the "
        "rig file with --rig, or lower --threshold",
    ),
    "page_unnamed": (
        "各反光点属于哪个 LED 还不知道; 至少 4 个 LED 时, 用 --rig 给出装置文件, 即可判断",
        "Which LED each glint is, is not known yet: with at least 4 LEDs, give the rig file with --rig",
    ),
    "page_pretrained": (
        "所用的是安装包自带的预训练权重 (只用合成眼图训练); 精度和局限见 {path}",
        "These are the pretrained weights of the package (trained on synthetic eyes only); accuracy and limits: {path}",
    ),
    "page_table": ("要写成表格, 请加 --out glints.csv", "To write a table, add --out glints.csv"),
    "unfamiliar_grey": (
        "这些图像与训练图像不像: 平均灰度 {value:.0f} ({num} 帧的中位数), 训练时为 {low:.0f} 到 {high:.0f}; "
        "请调整曝光, 或加大 --aug_intensity 重新训练, 或用 glint-unet adapt 适应这些图像",
        "These images are unlike those of the training: mean grey level {value:.0f} (median of {num} frames), in "
        "training {low:.0f} to {high:.0f}; change the exposure, train with a larger --aug_intensity, or use "
        "glint-unet adapt",
    ),
    "unfamiliar_contrast": (
        "这些图像与训练图像不像: 灰度标准差 {value:.0f} ({num} 帧的中位数), 训练时为 {low:.0f} 到 {high:.0f}; "
        "请调整曝光或照明, 或加大 --aug_intensity 重新训练, 或用 glint-unet adapt 适应这些图像",
        "These images are unlike those of the training: standard deviation of the grey levels {value:.0f} (median of "
        "{num} frames), in training {low:.0f} to {high:.0f}; change exposure or illumination, train with a larger "
        "--aug_intensity, or use glint-unet adapt",
    ),
    "unfamiliar_smaller": (
        "眼睛比训练时小: 网络输入中反光点布局的大小为 {value:.1f} 像素 ({num} 帧的中位数), 训练时为 {low:.1f} 到 "
        "{high:.1f}; 请把图像裁剪得更靠近眼睛, 或用更小的眼睛训练 (rig 文件的 [eye] iris, 或 --aug_scale)",
        "The eyes are smaller than in training: size of the layout of glints {value:.1f} px in the network input "
        "(median of {num} frames), in training {low:.1f} to {high:.1f}; crop the images closer to the eye, or train "
        "with smaller eyes ([eye] iris of the rig file, or --aug_scale)",
    ),
    "unfamiliar_larger": (
        "眼睛比训练时大: 网络输入中反光点布局的大小为 {value:.1f} 像素 ({num} 帧的中位数), 训练时为 {low:.1f} 到 "
        "{high:.1f}; 请让图像包含眼睛周围更多区域, 或用更大的眼睛训练 (rig 文件的 [eye] iris, 或 --aug_scale)",
        "The eyes are larger than in training: size of the layout of glints {value:.1f} px in the network input "
        "(median of {num} frames), in training {low:.1f} to {high:.1f}; include more of the surroundings of the eye, "
        "or train with larger eyes ([eye] iris of the rig file, or --aug_scale)",
    ),
    "unfamiliar_few": (
        "几乎找不到反光点: {num} 帧平均每帧 {value:.2f} 个, 验证时 {low:.2f} 个; 如果眼睛是睁开的, "
        "请检查眼睛在图像中的大小, 或用 glint-unet adapt 适应这些图像",
        "Hardly any glint is found: {value:.2f} per image in {num} frames, {low:.2f} in validation; if the eyes are "
        "open, check their size in the image, or use glint-unet adapt",
    ),
    "unfamiliar_sigma": (
        "反光点的位置不如验证时确定: 网络输入中的预测标准差 {value:.2f} 像素 ({num} 帧的中位数), "
        "验证时 95% 不超过 {high:.2f}; 请检查眼睛在图像中的大小, 或用 glint-unet adapt 适应这些图像",
        "Glints are located with less certainty than in validation: predicted standard deviation {value:.2f} px in the "
        "network input (median of {num} frames), 95% in validation up to {high:.2f}; check the size of the eyes in the "
        "image, or use glint-unet adapt",
    ),
    "predict_interrupted": (
        "已中断; 文件中有前 {num} 帧的结果",
        "Interrupted; the file contains the results of the first {num} frames",
    ),
    "evaluate_other_dataset": (
        "{path} 不是该训练所用的数据集 (MD5 {md5}, 原为 {was}), 没有验证划分; 请加 --split all",
        "{path} is not the data set of the run (MD5 {md5}, was {was}) and has no validation split; add --split all",
    ),
    "evaluate_other_leds": (
        "{path} 有 {num} 个 LED, 模型有 {expected} 个",
        "{path} has {num} LEDs, but the model has {expected}",
    ),
    "evaluate_stream": (
        "{h5} 不是数据集文件; 请先用 glint-unet synth 生成",
        "{h5} is not a data set file; generate one with glint-unet synth first",
    ),
    # --- adapt ---
    "adapt_other_settings": (
        "{path} 中是用其他设置开始的适应: {listed}; 请用原来的设置继续, 或换一个 --output_dir",
        "{path} holds an adaptation with other settings: {listed}; continue with the earlier ones, or choose another "
        "--output_dir",
    ),
    "adapt_into_a_run": (
        "{path} 中已有训练结果, 不会覆盖; 请换一个 --output_dir",
        "{path} already holds a run, which is not overwritten; choose another --output_dir",
    ),
    "adapt_no_rig": (
        "注意: 不混入合成眼图, 因为训练所用的装置文件不可用: {reason}",
        "Note: no synthetic eyes are mixed in, because the rig file of the training cannot be used: {reason}",
    ),
    "adapt_nothing_certain": (
        "{path}: {num} 帧中只有 {labelled} 帧的亮点足够确定 (需要 {need} 帧, 每帧至少 {least} 个), 无法用来改进 {run}; "
        "亮点在六成以上的变换视图中一致才算确定。模型训练太短时请先多训练; "
        "否则请检查图像是否来自该模型的装置, 或提供更多图像",
        "{path}: only {labelled} of {num} frames have enough certain glints to improve {run} ({need} needed, each with "
        "at least {least}; certain is what six in ten views of a frame agree on); train the model longer if it finds "
        "few glints, check that the images show its rig, or provide more of them",
    ),
    "adapt_unnamed": (
        "{run} 用 --class_free 训练, 不分 LED, 又没有布局; 请用 --rig 给出布局 (至少 4 个 LED)",
        "{run} was trained with --class_free and has no layout to tell LEDs apart by; give one with --rig (at least 4 "
        "LEDs)",
    ),
    "adapt_before": ("之前", "before"),
    "adapt_after": ("之后", "after"),
    "adapt_columns": ("指标 之前 之后", "figure before after"),
    "adapt_found": ("每帧找到的亮点", "glints found per frame"),
    "adapt_agreement": ("保留帧上的自身一致性", "self-agreement on held-out frames"),
    "adapt_threshold": ("阈值", "threshold"),
    "adapt_head": (
        "{num} 帧 (跳过 {broken} 帧), 其中 {labelled} 帧用于学习, 另加 {synthetic} 张合成眼图",
        "{num} frames ({broken} skipped); learnt from {labelled} of them and {synthetic} synthetic eyes",
    ),
    "adapt_kept": (
        "适应后的模型更一致, 已作为最佳模型保存: {path}",
        "The adapted model is kept as the best one: {path}",
    ),
    "adapt_rejected": (
        "适应后的模型不如原模型一致 (原有 {certain} 个确定的亮点中保留 {kept} 个), {path} 中的最佳模型仍是原模型",
        "The adapted model agrees with itself less, or lost certain glints ({kept} of {certain} kept): the best model "
        "in {path} is the original one",
    ),
    "adapt_written": ("报告: {report}; 图片: {picture}", "Report: {report}; picture: {picture}"),
    # --- rig ---
    "rig_out_no_toml": (
        "--out {path} 不是 .toml 文件; 请给出如 rig.toml 的文件名",
        "--out {path} is not a .toml file; give a name such as rig.toml",
    ),
    "rig_broken": ("{num} 帧无法读取, 第一个: {reason}", "{num} frames cannot be read; the first: {reason}"),
    "model_without_peaks": (
        "该模型逐个解码 LED, 不给出未命名的亮点; 请使用 --class_free 训练的模型, 或至少 {least} 个 LED 的模型",
        "This model decodes each LED alone and gives no unnamed glints; use a model trained with --class_free, "
        "or one of at least {least} LEDs",
    ),
    "layout_few_images": (
        "{name}: 只有 {num} 张图像有亮点, 至少需要 {least} 张; 请提供更多图像",
        "{name}: only {num} images show glints, at least {least} are needed; give more images",
    ),
    "layout_none": (
        "{name}: 未找到一致的 LED 布局: 最好的布局只在 {explained:.0f}% 的图像中成立, 去掉部分图像后"
        "只有 {again:.0f}% 的 LED 再次被找到; 请只使用同一装置、睁眼且对焦清晰的图像, 或自己编写装置文件",
        "{name}: no consistent layout of LEDs: the best one holds in {explained:.0f} % of the images, and "
        "{again:.0f} % of its LEDs are found again without a part of them; "
        "use images of one rig with open eyes in focus, or write the rig file yourself",
    ),
    "rig_one": ("1 个 LED", "1 LED"),
    "rig_ring": (
        "{num} 个 LED 组成环形: g1 位于 {start:g} 度 (-90 为正上方), 其余按顺时针; 与规则环形相差 {error:.1f}%",
        "{num} LEDs in a ring: g1 at {start:g} degrees (-90 is the top), the others clockwise; "
        "{error:.1f} % from a regular ring",
    ),
    "rig_positions": ("{num} 个 LED, 逐个给出位置", "{num} LEDs, stated by their positions"),
    "rig_sure": ("可信度: 高", "Confidence: high"),
    "rig_fair": ("可信度: 中等; 请查看图片", "Confidence: medium; look at the picture"),
    "rig_unsure": (
        "可信度: 低; 请查看图片, 最好使用更多图像重试",
        "Confidence: low; look at the picture, and better repeat with more images",
    ),
    "rig_explained": (
        "  {total} 张有亮点的图像中有 {num} 张符合该布局; 它解释了 {glints:.0f}% 的亮点",
        "  {num} of {total} images with glints show this layout; it explains {glints:.0f} % of the glints",
    ),
    "rig_again": (
        "  依次去掉四分之一的图像: {again:.0f}% 的 LED 再次被找到, 相差布局大小的 {error:.1f}%; "
        "单个亮点的离散度至多 {spread:.1f}%",
        "  Without a quarter of the images in turn: {again:.0f} % of the LEDs found again, "
        "{error:.1f} % of the layout's size apart; spread of a glint at most {spread:.1f} %",
    ),
    "rig_seen": ("  各 LED 可见的图像比例: {shares}", "  Images that show each LED: {shares}"),
    "rig_order": (
        "图像不能说明哪个亮点对应哪个灯: 编号规则写在文件的注释中, 可自行更改",
        "Images do not show which glint is which lamp: the file's comment states how they are numbered; "
        "renumber as you like",
    ),
    "rig_hardly_moves": (
        "布局几乎没有移动 (布局大小的 {moved:.0f}%): 静止的反光可能被当作 LED",
        "The layout hardly moves ({moved:.0f} % of its size): "
        "reflections that stand still may have been taken for LEDs",
    ),
    "rig_few_leds": (
        "predict --rig 至少需要 {least} 个 LED; 该文件可用于 --h5 synth:",
        "predict --rig needs at least {least} LEDs; --h5 synth: takes this file",
    ),
    "rig_written": ("装置文件: {path}; 图片: {picture}", "Rig file: {path}; picture: {picture}"),
    "rig_file_origin": (
        "由 glint-unet rig 从 {num} 张无标注图像中得到",
        "Found by glint-unet rig in {num} images without annotations",
    ),
    "rig_file_order": (
        "LED 1 在最上方, 其余按相机所见的顺时针方向; 图像不能说明哪个灯是 LED 1, 可自行重新编号",
        "LED 1 is the one at the top, the others follow clockwise as the camera sees them; "
        "images do not show which lamp is LED 1, so renumber as you like",
    ),
    "rig_file_row": (
        "LED 从左到右或从上到下编号 (相机所见); 图像不能说明哪个灯是 LED 1, 可自行重新编号",
        "LEDs are numbered from left to right, or from top to bottom, as the camera sees them; "
        "images do not show which lamp is LED 1, so renumber as you like",
    ),
    "rig_file_size": (
        "布局大小与虹膜半径之比, 由图像估计",
        "size of the reflected layout as a share of the iris radius, estimated from the images",
    ),
    "rig_file_no_size": (
        "未找到虹膜, 布局相对于虹膜的大小未知: 使用默认范围",
        "no irises were found, so the size of the layout on the iris is unknown: the default range applies",
    ),
    # --- evaluate ---
    "evaluate_head": (
        "{num} 张图像, 阈值 {threshold:.2f} (在验证集上选取)",
        "{num} images, threshold {threshold:.2f} (chosen on the validation images)",
    ),
    "evaluate_head_given": (
        "{num} 张图像, 阈值 {threshold:.2f} (由 --threshold 给出)",
        "{num} images, threshold {threshold:.2f} (given by --threshold)",
    ),
    "evaluate_trained_on": (
        "注意: 其中 {num} 张曾用于训练, 因此指标偏高; 未见过的图像请用 --split val 或另一个数据集",
        "Note: {num} of them were used for training, so the metrics are optimistic; use --split val or "
        "another data set",
    ),
    "evaluate_trained_unknown": (
        "注意: 该模型没有记录训练用了哪些图像; 其中一部分可能曾用于训练",
        "Note: the model does not record which images it was trained on; some of these may have been used for training",
    ),
    "evaluate_refines": (
        "注意: 该训练的日志统计最高像素的位置 (--decoding argmax); 这里与 predict 一样是亚像素位置, 因此与日志不同",
        "Note: the log of this run measures the highest pixels (--decoding argmax); these metrics are for "
        "sub-pixel positions, as used by predict, and differ from it",
    ),
    "no_recorded_split": (
        "{path} 没有记录验证用了哪些图像; 请加 --split all, 或给出训练目录",
        "{path} does not record its validation images; add --split all, or specify the run directory",
    ),
    "evaluate_right": (
        "2 像素以内且 LED 正确: F1 {f1}, 精确率 {precision}, 召回率 {recall}; 3 像素 F1 {f1_3px}, 5 像素 "
        "{f1_5px}; 不计 LED {f1_free}",
        "within 2 px, correct LED: F1 {f1}, precision {precision}, recall {recall}; 3 px F1 {f1_3px}, 5 px "
        "{f1_5px}; any LED {f1_free}",
    ),
    "evaluate_alone": (
        "以上各 LED 按布局一起解码; 各自单独解码 (--no_constellation) 时: F1 {f1_alone}, 阈值 {threshold_alone}",
        "above, all LEDs decoded together by their layout; each decoded alone (--no_constellation): F1 {f1_alone}, "
        "threshold {threshold_alone}",
    ),
    "evaluate_unnamed": (
        "注意: 该模型不分 LED (--class_free), 此处也没有布局, 所以以上各项都不计 LED; 用 --rig 给出布局",
        "Note: this model does not tell LEDs apart (--class_free), and there is no layout here, so all metrics are "
        "regardless of the LED; give a layout with --rig",
    ),
    "evaluate_px": (
        "误差 (像素): 中位 {px_median}, 平均 {px_mean}, 95% {px_p95}; 实际/预测标准差 {sigma_ratio}",
        "error in px: median {px_median}, mean {px_mean}, 95% {px_p95}; actual / predicted standard "
        "deviation {sigma_ratio}",
    ),
    "evaluate_presence": (
        "存在判断正确率 {presence}, 至少两个反光点正确的图像比例 {two_right}, 分数校准误差 {calibration}",
        "presence predicted correctly {presence}, images with two correct glints {two_right}, calibration "
        "error {calibration}",
    ),
    "evaluate_columns": (
        "LED 存在 找到 精确率 召回率 中位px 95%px 偏x 偏y",
        "LED present found precision recall median_px 95%_px bias_x bias_y",
    ),
    # --- trackers ---
    "tracker_started": ("记录到: {names}", "Trackers: {names}"),
    "tracker_failed": (
        "警告: {name} 未能接收指标, 训练不受影响, 稍后重试: {reason} (详见 {path})",
        "Warning: {name} did not take the metrics; training is not affected, and it is tried again: {reason} "
        "(details: {path})",
    ),
    "tracker_late": (
        "指标未能全部发送; 稍后可用此命令发送其余部分: {command}",
        "Not everything was sent to the trackers; to send the rest later: {command}",
    ),
    "tracker_missing": ("缺少 --tracker; 可选: {choices}", "--tracker is missing; choose from: {choices}"),
    "tracker_sent": ("{path}: 已发送到 {names}", "{path}: sent to {names}"),
    "tracker_not_sent": (
        "{name} 未能接收指标: {reason}; 请检查服务器和网络后重试",
        "{name} did not take the metrics: {reason}; check its server and the network, and try again",
    ),
    # --- many runs ---
    "runs_no_directory": (
        "没有目录 {path}; 请给出含有训练目录的目录, 例如 glint-unet runs experiments",
        "No such directory: {path}; specify the one that contains the runs, e.g. glint-unet runs experiments",
    ),
    "runs_none": ("{path} 及其下四层目录中没有符合条件的训练", "No such runs in {path} or up to four levels below it"),
    "runs_columns": (
        "训练 状态 轮次 最佳轮 损失 F1 中位px 数据 设备 已过 剩余",
        "run state epochs best loss F1 median_px data device age remaining",
    ),
    "runs_silent": (" ({since} 无消息)", " (silent for {since})"),
    "runs_reason": ("{name} 失败的原因: {reason}", "{name} failed: {reason}"),
    "runs_resume": ("继续 {name}: {command}", "Resume {name}: {command}"),
    "runs_more_to_resume": (
        "另有 {num} 个未完成的训练; --json 列出全部续训命令",
        "{num} more unfinished runs; --json lists all resume commands",
    ),
    "state_running": ("运行中", "running"),
    "state_finished": ("已完成", "finished"),
    "state_interrupted": ("已中断", "interrupted"),
    "state_failed": ("失败", "failed"),
    "state_crashed": ("已崩溃", "crashed"),
    "state_damaged": ("已损坏", "damaged"),
    "json_or_csv": (
        "--json 与 --csv 不能同时使用; 请去掉其中之一",
        "--json and --csv contradict each other; remove one of them",
    ),
    "not_a_run": (
        "{path} 不是训练目录 (读不到 training_args.json 和 metrics.json); 请检查路径",
        "{path} is not a run directory (neither training_args.json nor metrics.json can be read); check the path",
    ),
    "compare_too_few": (
        "给出了 {num} 个训练目录; 比较至少需要 2 个",
        "Number of run directories: {num}; a comparison needs at least 2",
    ),
    "compare_best_epoch": ("最佳轮", "best epoch"),
    "compare_led_recall": ("召回率 {led}", "recall {led}"),
    "compare_settings_equal": ("所有设置都相同", "All settings are equal"),
    "compare_data_equal": ("数据集: 相同 (MD5)", "Data set: the same (MD5)"),
    "compare_data_differ": (
        "数据集: 不同; 各项指标不可直接比较",
        "Data set: different; the metrics cannot be compared directly",
    ),
    "compare_data_unknown": ("数据集: 未知, 有的训练没有记录", "Data set: unknown, not every run has recorded it"),
    "compare_split_equal": ("训练/验证划分: 相同", "Training and validation images: the same"),
    "compare_split_differ": (
        "训练/验证划分: 不同; 各项指标在不同的图像上测得",
        "Training and validation images: different; the metrics were measured on different images",
    ),
    "compare_split_unknown": (
        "训练/验证划分: 未知, 有的训练没有记录",
        "Training and validation images: unknown, not every run has recorded them",
    ),
    "rerun_no_settings": (
        "无法读取 {path}; 没有完整的设置就不能重新训练, 请检查训练目录",
        "{path} cannot be read; without the settings a run cannot be repeated: check the run directory",
    ),
    "rerun_other_dataset": (
        "{path} 的 MD5 是 {md5}, 该训练所用的是 {was}; 请恢复原文件, 或用 train --config 在新数据上训练",
        "{path} has MD5 {md5}, but the run was trained on {was}; restore the file, or train on the new data with "
        "train --config",
    ),
    "rerun_command": ("命令: {command}", "Command: {command}"),
    "rerun_differs": ("与当时不同: {name} {was} -> {now}", "Differs from the run: {name} {was} -> {now}"),
    "rerun_no_provenance": (
        "该训练由更早的版本写成, 没有记录代码和库的版本",
        "The run was written by an earlier version and has no record of code and library versions",
    ),
    "rerun_processes": (
        "该训练由 {num} 个进程完成; 请用 torchrun 启动同样多的进程, 否则舍入不同",
        "The run was trained by {num} processes; start as many with torchrun, otherwise rounding differs",
    ),
    "rerun_changed_on_the_way": (
        "该训练续训时改变过设置; 重新训练从头使用最后的设置",
        "Settings of the run were changed on a resume; the repetition uses the last ones from the start",
    ),
    "picture_written": ("图片: {path}", "Picture: {path}"),
    "exported": ("已导出 {path} ({mb:.2f} MB)", "Exported {path} ({mb:.2f} MB)"),
    "export_checked": (
        "与 PyTorch 在 {num} 张图像上比较: 最大相差 {px:.5f} 像素 (上限 {limit})",
        "Compared with PyTorch on {num} images: maximum difference {px:.5f} px (limit {limit})",
    ),
    "export_no_images": (
        "训练数据 {path} 不可用 ({reason}), 改用随机图像比较",
        "The training data {path} is not available ({reason}); comparing on random images instead",
    ),
    "export_no_split": (
        "{path} 没有记录验证用了哪些图像, 改用随机图像比较",
        "{path} does not record its validation images; comparing on random images instead",
    ),
    "export_differs": (
        "{path} 与 PyTorch 相差 {px:.4f} 像素, 超过 {limit}; 文件已删除, 请去掉 --half 或更新 onnxruntime",
        "{path} differs from PyTorch by {px:.4f} px, above {limit}; it was removed: omit --half, or update onnxruntime",
    ),
    "export_unusable": (
        "{path} 不是本系统导出的模型, 或已损坏: {reason}; 请重新导出",
        "{path} is not a model exported by glint-unet, or is damaged: {reason}; export it again",
    ),
    "pretrained_damaged": (
        "安装包自带的预训练权重 {path} 缺失或已损坏 ({reason}); 请重新安装 glint-unet",
        "The pretrained weights of this installation, {path}, are missing or damaged ({reason}); reinstall glint-unet",
    ),
    "live_figures": (
        "{num} 帧, {fps:.1f} 帧/秒; 延迟 (毫秒): 中位 {p50:.1f}, 95% {p95:.1f}, 99% {p99:.1f}, 最大 {worst:.1f}",
        "{num} frames, {fps:.1f} frames/s; latency in ms: median {p50:.1f}, 95% {p95:.1f}, 99% {p99:.1f}, worst "
        "{worst:.1f}",
    ),
    "follow_fixed_size": (
        "{path} 由较早版本导出, 只接受整幅大小的图像, 因此每帧都检测整幅图像; 请重新导出以启用跟随",
        "{path} was exported by an earlier version and takes images of one size only, so every frame is looked at "
        "whole; export it again to follow the eye",
    ),
    "px_per_deg_without_quality": (
        "--px_per_deg {value} 只用于 --quality; 请加上 --quality FILE.csv, 或去掉它",
        "--px_per_deg {value} applies to --quality only; add --quality FILE.csv, or leave it out",
    ),
    "over_time_unnamed": (
        "{run} 无法区分 LED, 因此无法按时间平滑或评价; 请用 --rig 给出 LED 布局, 或去掉 --smooth 和 --quality",
        "{run} does not tell LEDs apart, so their glints cannot be smoothed or judged over time; add --rig with the "
        "layout of the LEDs, or leave out --smooth and --quality",
    ),
    "live_no_window": (
        "无法打开窗口 ({reason}); 请去掉 --show, 改用 --overlay",
        "Cannot open a window ({reason}); omit --show and use --overlay",
    ),
    # --- shared copies ---
    "cache_not_private": (
        "共享副本 {path} 不归当前用户 {uid} 私有 (所有者 {owner}, 权限 {mode}), 拒绝使用; 请让其所有者删除",
        "Shared copy {path} is not private to user {uid} (owner {owner}, mode {mode}) and is refused; ask "
        "its owner to remove it",
    ),
    "cache_unreadable": ("无法打开共享副本 {path}: {reason}", "Shared copy {path} cannot be opened: {reason}"),
    "cache_unwritable": ("无法在 {path} 建立共享副本: {reason}", "Cannot create a shared copy in {path}: {reason}"),
    "cache_damaged": (
        "共享副本 {path} 已损坏; 请运行 python shm_manager.py --cleanup-all",
        "Shared copy {path} is damaged; run python shm_manager.py --cleanup-all",
    ),
    "cache_other_form": (
        "{path} 中 {name} 的共享副本为 {dtype} {shape}, 应为 {expected}; "
        "请运行 python shm_manager.py --cleanup --h5 {path}",
        "The shared copy of {name} in {path} is {dtype} {shape}; it must be {expected}: run python shm_manager.py "
        "--cleanup --h5 {path}",
    ),
    "cache_given_form": (
        "为 {path} 的 {name} 给出的数组是 {dtype} {shape}, 应为 {expected}; 请去掉 data_array, 程序会自行读取",
        "The array passed for {name} of {path} is {dtype} {shape}; it must be {expected}: omit data_array to read it "
        "from the file",
    ),
    "cache_given_values": (
        "为 {path} 的 {name} 给出的数组在第 {first} 到 {last} 行与文件的值不同; 请去掉 data_array, 程序会自行读取",
        "The array passed for {name} of {path} has other values than the file in rows {first} to {last}: omit "
        "data_array to read it from the file",
    ),
    "cache_full": (
        "{root} 和 {fallback} 都放不下 {path} 的共享副本; 请清理空间, 或去掉 --shared_memory",
        "Neither {root} nor {fallback} has room for the shared copy of {path}; free up some space, or omit "
        "--shared_memory",
    ),
    "shm_none": ("没有共享副本", "No shared copies"),
    "shm_row": (
        "{name}  {mb:.1f} MB  已存在 {age}  使用者: {users}  来源: {source} [{dataset}]  位置: {directory}",
        "{name}  {mb:.1f} MB  age {age}  users: {users}  from: {source} [{dataset}]  in: {directory}",
    ),
    "shm_total": ("共 {num} 个, {mb:.1f} MB", "{num} in total, {mb:.1f} MB"),
    "shm_removed": ("已删除: {name}", "Removed: {name}"),
    "shm_in_use": ("正在使用, 保留: {name} (进程 {users})", "In use, kept: {name} (processes {users})"),
    "shm_what": (
        "请给出 --list, --cleanup --h5 文件, 或 --cleanup-all",
        "Specify --list, --cleanup --h5 FILE, or --cleanup-all",
    ),
    # --- run directories and checkpoints ---
    "run_exists": (
        "{path} 中已有训练结果, 不会覆盖; 续训请加 --resume auto, 或换一个 --output_dir",
        "{path} already holds a run, which is not overwritten; add --resume auto to continue it, or choose "
        "another --output_dir",
    ),
    "run_in_use": (
        "{path} 正被另一个训练使用 (进程 {pid}, 主机 {host}); 请换一个 --output_dir 或等它结束",
        "{path} is in use by another run (process {pid} on {host}); choose another --output_dir or wait for "
        "it to finish",
    ),
    "run_moved_on": (
        "{path} 在读取检查点之后又被另一个训练写入; 请重新运行同一条命令",
        "{path} was written by another run after its checkpoint was read; run the same command again",
    ),
    "metrics_damaged": (
        "{path} 不是有效的各轮指标列表: {reason}; 请将其移走",
        "{path} is not a list of epochs: {reason}; move the file away",
    ),
    "metrics_rebuilt": (
        "警告: metrics.json 已损坏, 已由检查点重建; 损坏的文件移至 {path}",
        "Warning: metrics.json was damaged and is rebuilt from the checkpoint; the damaged file was moved to {path}",
    ),
    "checkpoint_missing": ("检查点不存在: {path}; 请检查路径", "No such checkpoint: {path}; check the path"),
    "checkpoint_damaged": (
        "检查点 {path} 已损坏: {reason}; 请用 --resume auto 或较早的检查点",
        "Checkpoint {path} is damaged: {reason}; use --resume auto or an earlier checkpoint",
    ),
    "checkpoint_compressed": (
        "检查点 {path} 是压缩的 zip, 拒绝打开; 请用 torch.save 重新保存",
        "Checkpoint {path} is a compressed zip and is refused; save it with torch.save",
    ),
    "checkpoint_hostile": (
        "检查点 {path} 含有张量和普通值以外的内容, 拒绝打开; 请只使用可信的检查点",
        "Checkpoint {path} contains more than tensors and plain values and is refused; use only checkpoints you trust",
    ),
    "checkpoint_incomplete": (
        "{path} 不是完整的检查点 (缺少: {missing}); 请用 latest_checkpoint.pth, 权重文件不能续训",
        "{path} is not a full checkpoint (missing: {missing}); use latest_checkpoint.pth: bare weights "
        "cannot be resumed",
    ),
    "checkpoint_not_plain": (
        "检查点只能保存张量和普通值, 但 {part} 中有 {value!r} ({kind}); 请先转换为数字、文本、列表或字典",
        "A checkpoint can store only tensors and plain values, but {part} contains {value!r} ({kind}); convert it to "
        "a number, string, list or dict",
    ),
    "checkpoint_not_of_original": (
        "{path} 没有 dataset 项, 也不是最初版本的 U-Net: {reason}",
        "{path} has no dataset entry and is not the U-Net of the original implementation either: {reason}",
    ),
    "checkpoint_other_network": (
        "{path} 属于另一种网络: 缺少 {missing} 个权重, 多出 {extra} 个, 例如 {example}; 请核对 --arch",
        "{path} is for another network: {missing} weights missing, {extra} unexpected, e.g. {example}; check --arch",
    ),
    "checkpoint_other_shape": (
        "{path} 属于另一种网络: {name} 为 {shape}, 应为 {expected}; 请核对 --base_channels 和数据集通道数",
        "{path} is for another network: {name} is {shape}, not {expected}; check --base_channels and the number of "
        "channels of the data set",
    ),
    "init_other_network": (
        "--init {init} 是另一种网络 (例如 {name} 不同); 请用它的 --arch 和 --base_channels (预训练权重: compact, 16)",
        "--init {init} is another network (e.g. {name} differs); use its --arch and --base_channels (those of the "
        "pretrained weights: compact, 16)",
    ),
    "checkpoint_other_optimizer": (
        "{path} 的优化器状态与网络不符: {reason}",
        "The optimizer state in {path} does not match its weights: {reason}",
    ),
    "resume_auto_without_directory": (
        "--resume auto 需要 --output_dir 指明目录",
        "--resume auto needs --output_dir",
    ),
    "resume_nothing_there": (
        "{path} 中没有可继续的检查点; 要新开训练请去掉 --resume",
        "There is no checkpoint to resume at {path}; omit --resume to start a new run",
    ),
    "resume_all_damaged": (
        "{path} 中的检查点全部损坏: {reason}",
        "Every checkpoint in {path} is damaged: {reason}",
    ),
    "resume_other_dataset": (
        "{path} 不是该训练所用的数据集 (MD5 {md5}, 原为 {was}); 请用原数据集, 或加 --allow_changed h5",
        "{path} is not the data set of this run (MD5 {md5}, was {was}); use that one, or add --allow_changed h5",
    ),
    "resume_fewer_images": (
        "{path} 只有 {num} 张图像, 而该训练的划分需要 {need} 张; 请用含有全部图像的数据集, 或新开训练",
        "{path} has only {num} images, but the split of this run needs {need}; use a data set with all of them, or "
        "start a new run",
    ),
    "resume_settings_differ": (
        "续训不能更改: {listed}; 去掉这些参数, 或加 --allow_changed {names}",
        "A resume may not change: {listed}; omit these flags, or add --allow_changed {names}",
    ),
    "resume_unknown_setting": (
        "--allow_changed 中没有这样的设置: {names}",
        "--allow_changed lists unknown settings: {names}",
    ),
    "loss_not_finite": (
        "第 {epoch} 轮第 {step} 步之前损失变为 NaN 或无穷大, 训练停止; 最后一个完好的检查点已保留, "
        "请降低 --lr 后续训 (加 --allow_changed lr)",
        "The loss became NaN or infinite in epoch {epoch} by step {step}; training stopped. The last good checkpoint "
        "is kept: resume from it with a lower --lr (--allow_changed lr)",
    ),
    # --- other commands ---
    "verify_same": (
        "一致: 被杀死 {kills} 次并续训的训练, 其权重、优化器、指标、划分和最佳模型与未中断的训练逐位相同",
        "Identical: the run that was killed {kills} times and resumed has the same weights, optimizer, metrics, split "
        "and best model as the undisturbed run, bit for bit",
    ),
    "verify_undisturbed": ("未中断的训练: {seconds:.1f}s", "Undisturbed run: {seconds:.1f}s"),
    "verify_killed": (
        "第 {number}/{kills} 次杀死: 已保存 {epoch} 轮和下一轮的 {step} 步; 续训",
        "Kill {number} of {kills}: saved epochs: {epoch}, saved steps of the next epoch: {step}; resuming",
    ),
    "verify_ended": (
        "训练在第 {number}/{kills} 次杀死之前已结束; 增大 --epochs 可完成更多次",
        "The run ended before kill {number} of {kills}; increase --epochs for more kills",
    ),
    "verify_differs": (
        "不一致: 被杀死 {kills} 次并续训的训练有 {num} 处不同: {listed}",
        "Different: the run that was killed {kills} times and resumed differs in {num} places: {listed}",
    ),
    "verify_training_failed": (
        "训练以错误结束: {reason} (全部输出: {path})",
        "Training failed: {reason} (full output: {path})",
    ),
    "verify_flag_taken": (
        "-- 之后不能有 {flags}: 由 verify-resume 自己给出",
        "{flags} must not follow --: verify-resume sets them itself",
    ),
    "directory_not_empty": ("目录 {path} 不是空的; 请换一个", "Directory {path} is not empty; choose another"),
    "command_unknown": (
        "没有命令 {name!r}{hint}; 可用: {names}",
        "Unknown command {name!r}{hint}; available: {names}",
    ),
    "package_missing": (
        "缺少 Python 包 {name}; 请运行: {command}",
        "The Python package {name} is missing; install it with: {command}",
    ),
    "system_refused": (
        "{path}: 系统拒绝访问该路径 ({reason}); 请检查路径与权限",
        "{path}: the system refused access ({reason}); check the path and its permissions",
    ),
    "output_lost": (
        "标准输出无法写入, 部分输出丢失: {reason}",
        "Cannot write to standard output, part of the output is lost: {reason}",
    ),
    "pack_form": (
        "LED {num_classes} 个, 图像 {H}x{W}, 热图 {h}x{w}",
        "LEDs: {num_classes}; images: {H}x{W}; heatmaps: {h}x{w}",
    ),
    "pack_in_order": (
        "标签没有编号, LED 按文件中的顺序编号: {names}",
        "No label has a number; the LEDs are numbered in file order: {names}",
    ),
    "pack_ignored": (
        "{num} 种标签不属于 LED, 已忽略: {names}",
        "Ignored labels that do not belong to an LED: {num} ({names})",
    ),
    "pack_unseen": (
        "{num} 个 LED 没有出现在任何图像中: {names}",
        "LEDs that appear in no image: {num} ({names})",
    ),
    "pack_padded": (
        "{num} 幅图像的长宽比与 {H}x{W} 不同, 已加边 (例如 {stem}); 要拉伸请加 --stretch",
        "Images with an aspect ratio other than {H}x{W}, padded: {num} (e.g. {stem}); use --stretch to stretch them",
    ),
    "pack_stretched": (
        "{num} 幅图像的长宽比与 {H}x{W} 不同, 已拉伸 (例如 {stem}); 要加边请去掉 --stretch",
        "Images with an aspect ratio other than {H}x{W}, stretched: {num} (e.g. {stem}); omit --stretch to pad them",
    ),
    "bad_file": ("跳过: {reason}", "Skipped: {reason}"),
    "bad_files_more": (
        "另有 {num} 个文件因同样的原因被跳过, 最后一个: {reason}",
        "{num} more files skipped for the same reason; the last one: {reason}",
    ),
    "packed": (
        "已写入 {num} 张图像, 跳过 {bad} 个文件: {path}",
        "{num} images written, {bad} files skipped: {path}",
    ),
    "backgrounds_read": (
        "{name} 的图像: 使用 {num} 张, 其中 {found} 张找到眼睛; 无法读取 {broken} 张",
        "Frames of {name}: {num} used, an eye found in {found}; unreadable: {broken}",
    ),
    "backgrounds_unreadable": (
        "{name} 中没有可读取的图像: {broken}",
        "No frame of {name} can be read: {broken}",
    ),
    "backgrounds_no_eye": (
        "{name} 的 {num} 张图像中都没有找到瞳孔 (需要亮虹膜中的暗瞳孔), 无处可画反光点; 请用睁眼的红外图像",
        "No pupil was found in any of the {num} frames of {name}, so there is nowhere to paint glints; use infrared "
        "images of open eyes with dark pupils",
    ),
    "share_without_backgrounds": (
        "--backgrounds_share {value} 没有作用: 没有 --backgrounds, 装置文件中也没有 backgrounds",
        "--backgrounds_share {value} has no effect: there is no --backgrounds, nor backgrounds in a rig file",
    ),
    "synth_done": ("已生成 {num} 张合成眼图: {path}", "{num} synthetic eyes written: {path}"),
    "check_file": ("{path}: {size_mb:.1f} MB, 数据有效", "{path}: {size_mb:.1f} MB, valid"),
    "check_sizes": (
        "图像 {N} 张 {H}x{W} uint8, 值 {low}..{high}, 平均 {mean:.1f}",
        "{N} images of {H}x{W} uint8, values {low}..{high}, mean {mean:.1f}",
    ),
    "check_heatmaps": (
        "热图 {C} 通道 {h}x{w} {dtype}, 步长 {stride}, 值 {low:.3f}..{high:.3f}",
        "Heatmaps: {C} channels of {h}x{w} {dtype}, stride {stride}, values {low:.3f}..{high:.3f}",
    ),
    "check_rendered": (
        "没有热图: 训练时由 keypoints 生成 {C} 通道 {h}x{w}, 步长 {stride}",
        "No heatmaps: rendered from keypoints in training, {C} channels of {h}x{w}, stride {stride}",
    ),
    "check_channel": (
        "  {label}: 出现 {num} 次 ({share:.1%}), x {x_low:.1f}..{x_high:.1f}, y {y_low:.1f}..{y_high:.1f}",
        "  {label}: present {num} times ({share:.1%}), x {x_low:.1f}..{x_high:.1f}, y {y_low:.1f}..{y_high:.1f}",
    ),
    "check_channel_never": ("  {label}: 从未出现", "  {label}: never present"),
    "check_glints": (
        "每张图像的反光点数 (数目:图像数): {counts}",
        "Glints per image (glints:images): {counts}",
    ),
    # --- reports ---
    "report_title": ("训练报告: {name}", "Training report: {name}"),
    "report_evaluation_title": ("评估报告: {name}", "Evaluation report: {name}"),
    "report_made": ("生成于 {time}, glint-unet {version}", "Made {time} by glint-unet {version}"),
    "report_progress": (
        "已完成 {done}/{epochs} 轮; 最佳: 第 {best} 轮",
        "{done} of {epochs} epochs done; best: epoch {best}",
    ),
    "report_progress_none": (
        "已完成 {done}/{epochs} 轮; 尚无最佳模型",
        "{done} of {epochs} epochs done; no best model yet",
    ),
    "report_judged": ("{num} 张图像, 阈值 {threshold:.2f}", "{num} images, threshold {threshold:.2f}"),
    "report_contents": ("目录", "Contents"),
    "report_figures": ("结果", "Results"),
    "report_of_validation": ("最佳模型在验证图像上的结果", "The best model on the validation images"),
    "report_of_evaluation": ("模型在被评估图像上的结果", "The model on the images evaluated"),
    "report_f1": ("F1 (2 像素以内)", "F1 within 2 px"),
    "report_precision": ("精确率", "Precision"),
    "report_recall": ("召回率", "Recall"),
    "report_median": ("误差中位数", "Median error"),
    "report_p95": ("误差 95% 分位数", "95% quantile of the error"),
    "report_curves": ("曲线", "Curves"),
    "report_epoch": ("轮次", "epoch"),
    "report_best_epoch": ("最佳: 第 {epoch} 轮", "best: epoch {epoch}"),
    "curve_loss": ("损失 (总和)", "Loss (total)"),
    "curve_terms": ("损失各项 (加权)", "Terms of the loss, weighted"),
    "curve_rates": ("2 像素以内且 LED 正确 (验证)", "Found within 2 px, right LED (validation)"),
    "curve_error": ("找到的反光点的位置误差 (验证)", "Position error of found glints (validation)"),
    "curve_lr": ("学习率", "Learning rate"),
    "curve_time": ("每轮时间", "Time per epoch"),
    "curve_axis_loss": ("损失", "loss"),
    "curve_axis_share": ("比例", "share"),
    "curve_axis_error": ("误差 [像素]", "error [px]"),
    "curve_axis_time": ("时间 [秒]", "time [s]"),
    "curve_train": ("训练", "training"),
    "curve_val": ("验证", "validation"),
    "curve_median": ("中位数", "median"),
    "curve_p95": ("95% 分位数", "95% quantile"),
    "curve_time_compute": ("训练步", "training steps"),
    "curve_time_data": ("等待数据", "waiting for data"),
    "curve_time_save": ("保存", "saving"),
    "curve_alt": ("{name} 从 {first:.3g} 到 {last:.3g}", "{name} from {first:.3g} to {last:.3g}"),
    "report_leds": ("各 LED", "LEDs"),
    "report_present": ("存在", "Present"),
    "report_found": ("找到", "Found"),
    "report_bias": ("平均偏差 x, y", "Mean error x, y"),
    "report_confusion": ("混淆矩阵", "Confusion of LEDs"),
    "report_confusion_note": (
        "行: 真实的 LED; 列: 在 2 像素以内被认作哪个 LED",
        "Rows: the LED of a glint; columns: the LED it was taken for within 2 px",
    ),
    "report_errors": ("误差", "Errors"),
    "report_histogram": ("位置误差的分布", "Distribution of the position error"),
    "report_histogram_alt": (
        "{num} 个反光点; 中位数 {median:.2f} 像素, 95% 分位数 {p95:.2f} 像素",
        "{num} glints; median {median:.2f} px, 95% quantile {p95:.2f} px",
    ),
    "report_num_glints": ("反光点数", "glints"),
    "report_beyond": ("最后一条含更大的误差: {num} 个", "the last bar includes larger errors: {num}"),
    "report_sigma": ("误差与预测的标准差", "Error against predicted standard deviation"),
    "report_sigma_axis": ("预测的标准差 [像素]", "predicted standard deviation [px]"),
    "report_sigma_one": ("反光点", "glint"),
    "report_sigma_median": ("每组的误差中位数", "median error of a group"),
    "report_sigma_ideal": ("校准良好时的中位数", "median if well calibrated"),
    "report_sigma_ratio": (
        "误差与预期之比的中位数: {ratio:.2f} (1: 校准良好; 小于 1: 过于谨慎)",
        "Median ratio of the error to the expected one: {ratio:.2f} (1: well calibrated; below 1: too cautious)",
    ),
    "report_examples": ("示例图像", "Example images"),
    "report_examples_note": (
        "圆圈: 真值 (放大图中半径 2 像素); 十字: 预测。放大图为 {side} x {side} 像素",
        "Ring: truth (radius 2 px where magnified); cross: prediction. Magnified parts are {side} x {side} px",
    ),
    "report_worst": ("最差", "Worst"),
    "report_middle": ("中等", "Median"),
    "report_best": ("最好", "Best"),
    "report_example_right": ("{num} / {all} 个在 2 像素以内", "{num} of {all} within 2 px"),
    "report_example_largest": ("最大误差 {error:.2f} 像素", "largest error {error:.2f} px"),
    "report_example_alt": ("眼图 {name}, 标出 {num} 个反光点", "Eye image {name} with {num} glints marked"),
    "report_missed": ("未找到", "missed"),
    "report_false": ("误报", "false"),
    "report_px": ("{error:.2f} 像素", "{error:.2f} px"),
    "report_part_alt": ("{label} 附近放大: {verdict}", "Magnified around {label}: {verdict}"),
    "report_settings": ("设置", "Settings"),
    "report_changed": ("与默认不同的设置", "Settings that differ from the defaults"),
    "report_defaults": ("其余设置 (默认值, {num} 项)", "All other settings, at their defaults ({num})"),
    "report_data": ("数据集", "Data set"),
    "report_data_file": ("文件", "File"),
    "report_data_md5": ("内容的 MD5", "MD5 of the content"),
    "report_data_images": ("图像数", "Images"),
    "report_data_sizes": ("图像大小", "Image size"),
    "report_data_heatmaps": ("热图大小", "Heatmap size"),
    "report_data_split": ("训练 / 验证图像", "Training / validation images"),
    "report_num_leds": ("LED 数", "Number of LEDs"),
    "report_model": ("模型", "Model"),
    "report_environment": ("环境", "Environment"),
    "report_command": ("命令行", "Command line"),
    "report_device": ("设备", "Device"),
    "report_host": ("主机", "Host"),
    "report_commit": ("代码版本", "Commit"),
    "report_starts": ("启动次数", "Starts"),
    "report_commands": ("命令", "Commands"),
    "report_to_resume": ("继续训练到第 {epochs} 轮", "Resume, up to epoch {epochs}"),
    "report_to_predict": ("检测", "Predict"),
    "report_to_evaluate": ("评估", "Evaluate"),
    "report_without_images": ("没有误差分布和示例图像: {reason}", "No error distribution and example images: {reason}"),
    "report_comparison_title": ("训练比较", "Comparison of runs"),
    "report_run": ("训练", "Run"),
    "report_metrics": ("最佳轮次的指标 (验证)", "Metrics of the best epochs (validation)"),
    "report_recall_of_leds": ("最佳轮次各 LED 的召回率", "Recall of each LED at the best epochs"),
    "report_differences": ("不同的设置和条件", "Differing settings and conditions"),
    "report_val_loss": ("验证损失", "Validation loss"),
    "report_val_f1": ("验证 F1 (2 像素以内)", "F1 within 2 px, validation"),
    "report_val_error": ("验证误差中位数", "Median error, validation"),
    "report_written": ("报告: {path}", "Report: {path}"),
    "report_of_nothing": (
        "没有给出训练目录; 例如 glint-unet report runs/train_20251106_143022",
        "No run directory is given; for example: glint-unet report runs/train_20251106_143022",
    ),
    "report_no_run": (
        "{path} 中没有训练记录 (缺少 metrics.json 或其中没有轮次); 请给出训练目录, 例如 runs/train_20251106_143022",
        "{path} has no record of epochs (metrics.json is missing or empty); give a run directory, "
        "e.g. runs/train_20251106_143022",
    ),
    # --- doctor ---
    "doctor_ok": ("正常", "ok"),
    "doctor_note": ("提示", "note"),
    "doctor_warning": ("警告", "warning"),
    "doctor_error": ("错误", "error"),
    "doctor_all_well": ("未发现问题", "No problems found"),
    "doctor_summary": ("错误 {errors} 项, 警告 {warnings} 项", "Errors: {errors}, warnings: {warnings}"),
    "doctor_python": ("Python {version}, 系统 {system}: {path}", "Python {version} on {system}: {path}"),
    "doctor_not_installed": ("未安装", "not installed"),
    "doctor_itself_not_installed": ("glint-unet 本身未安装", "glint-unet itself is not installed"),
    "doctor_packages_wrong": ("缺少软件包或版本不符: {names}", "Packages missing or of the wrong version: {names}"),
    "doctor_no_import": ("无法导入 {name}: {reason}", "{name} cannot be imported: {reason}"),
    "doctor_install": ("安装命令: {command}", "Install with: {command}"),
    "doctor_extras_all": ("可选功能均已安装", "All optional features are installed"),
    "doctor_extras_missing": ("未安装的可选功能: {names}", "Optional features that are not installed: {names}"),
    "doctor_install_if_needed": ("需要时安装: {command}", "If you need them: {command}"),
    "doctor_gpus": ("{num} 个 GPU 可用: {names} (CUDA {cuda})", "{num} GPU(s) available: {names} (CUDA {cuda})"),
    "doctor_no_gpu": ("没有 NVIDIA GPU: 在 CPU 上计算", "No NVIDIA GPU: computing on the CPU"),
    "doctor_cpu_build": (
        "有 GPU ({names}), 但安装的 PyTorch 只支持 CPU",
        "There is a GPU ({names}), but the installed PyTorch is a build for the CPU only",
    ),
    "doctor_install_cuda": (
        "按 https://pytorch.org/get-started/locally 安装支持 CUDA 的 PyTorch",
        "Install a CUDA build of PyTorch: https://pytorch.org/get-started/locally",
    ),
    "doctor_gpu_unusable": (
        "PyTorch (CUDA {cuda}) 无法使用 GPU {names}; 驱动版本 {driver}",
        "PyTorch (CUDA {cuda}) cannot use the GPU {names}; driver version {driver}",
    ),
    "doctor_update_driver": (
        "更新 NVIDIA 驱动, 或安装适合旧 CUDA 版本的 PyTorch; 检查 CUDA_VISIBLE_DEVICES; 在容器中使用 --gpus all",
        "Update the NVIDIA driver or install PyTorch for an older CUDA version; check CUDA_VISIBLE_DEVICES; "
        "start containers with --gpus all",
    ),
    "doctor_threads_given": (
        "CPU 线程: {num} (OMP_NUM_THREADS), 共 {cpus} 个 CPU",
        "CPU threads: {num} (OMP_NUM_THREADS) on {cpus} CPUs",
    ),
    "doctor_threads_too_many": (
        "CPU 线程: {num} (OMP_NUM_THREADS), 但只有 {cpus} 个 CPU",
        "CPU threads: {num} (OMP_NUM_THREADS), but only {cpus} CPUs",
    ),
    "doctor_fewer_threads": (
        "取消 OMP_NUM_THREADS, 或设为不超过 {cpus}",
        "Unset OMP_NUM_THREADS, or set it to at most {cpus}",
    ),
    "doctor_threads": (
        "CPU 线程: {num} ({cpus} 个 CPU 中可用 {available:.1f} 个)",
        "CPU threads: {num} ({available:.1f} of {cpus} CPUs available)",
    ),
    "doctor_busy": (
        "其他程序占用了一半以上的 CPU, 训练会变慢; 用 top 查看",
        "Other programs use more than half of the CPUs, which slows training down; see top",
    ),
    "doctor_no_shm": ("共享内存 {path} 不存在或不可写", "Shared memory {path} is missing or not writable"),
    "doctor_shm_fallback": (
        "--shared_memory 将改用 ~/.cache/glint_unet 中的文件, 更慢; 在容器中挂载 /dev/shm",
        "--shared_memory falls back to slower files in ~/.cache/glint_unet; in a container, mount /dev/shm",
    ),
    "doctor_shm": (
        "共享内存 {path}: 共 {total_mb:,.0f} MB, 可用 {free_mb:,.0f} MB",
        "Shared memory {path}: {total_mb:,.0f} MB, {free_mb:,.0f} MB free",
    ),
    "doctor_shm_container": (
        "这是容器的默认大小, 数据集放不下: 用 docker run --shm-size=8g (或 --ipc=host) 启动, 或用 --cache ram",
        "This is the default of containers, too small for most data sets: start with docker run --shm-size=8g "
        "(or --ipc=host), or use --cache ram",
    ),
    "doctor_shm_full": (
        "用 glint-unet shm --list 查看数据副本, 用 glint-unet shm --cleanup_all 删除未使用的副本",
        "glint-unet shm --list shows copies of data sets, and glint-unet shm --cleanup_all removes unused ones",
    ),
    "doctor_no_directory": ("没有目录 {path}", "No such directory: {path}"),
    "doctor_make_directory": (
        "创建该目录, 或用 --directory 指定其他目录",
        "Create it, or choose another with --directory",
    ),
    "doctor_other_directory": (
        "把训练结果写到其他目录 (--output_dir), 最好在本地磁盘上",
        "Write runs to another directory (--output_dir), preferably on a local disk",
    ),
    "doctor_disk": ("磁盘 {path}: 可用 {free_gb:,.1f} GB", "Disk of {path}: {free_gb:,.1f} GB free"),
    "doctor_disk_full": (
        "释放空间: 一次训练的检查点约需 100 MB 至 1 GB; --keep_last_n 限制其个数",
        "Free some space: the checkpoints of a run take about 100 MB to 1 GB; --keep_last_n limits their number",
    ),
    "doctor_locks": ("文件锁可用", "File locks work"),
    "doctor_no_locks": ("该文件系统不支持文件锁: {reason}", "This file system does not support file locks: {reason}"),
    "doctor_memory": ("内存: 可用 {free_gb:,.1f} GB", "Main memory: {free_gb:,.1f} GB available"),
    "doctor_memory_little": (
        "关闭其他程序, 或使用 --no_preload 和较小的 --batch",
        "Close other programs, or use --no_preload and a smaller --batch",
    ),
    "doctor_weights": ("预训练权重完好", "Pretrained weights are intact"),
    # --- the page ---
    "ui_serving": ("页面: {address} (Ctrl-C 结束)", "Page: {address} (Ctrl-C ends it)"),
    "ui_no_address": (
        "不能在 {host}:{port} 上提供页面: {reason}; 用 --port 指定其他端口",
        "Cannot serve the page at {host}:{port}: {reason}; choose another one with --port",
    ),
    "ui_not_there": (
        "{name} 不存在, 或不在所显示的目录内",
        "{name} does not exist, or is not in the directories shown",
    ),
    "ui_not_a_directory": ("{path} 不是目录", "{path} is not a directory"),
    "ui_refused_host": ("此主机名不被允许", "This host name is not permitted"),
    "ui_refused_origin": ("此请求来自其他网页", "This request comes from another page"),
    "ui_refused_token": (
        "需要令牌: 请打开 glint-unet ui 打印的完整地址",
        "A token is needed: open the whole address that glint-unet ui printed",
    ),
    "ui_file_problem": ("文件不能读取: {reason}", "A file cannot be read: {reason}"),
    "ui_unforeseen": (
        "出错了: {reason} (详情见服务器的终端)",
        "Something went wrong: {reason} (details in the server's terminal)",
    ),
    "ui_close": ("关闭", "Close"),
    "ui_copy": ("复制", "Copy"),
    "ui_navigation": ("导航", "Navigation"),
    "ui_light_or_dark": ("浅色或深色", "Light or dark"),
    "ui_runs": ("训练", "Runs"),
    "ui_run": ("训练名称", "Run"),
    "ui_run_title": ("训练 {name}", "Run {name}"),
    "ui_compare": ("比较", "Compare"),
    "ui_sweeps": ("参数搜索", "Sweeps"),
    "ui_filter": ("筛选", "Filter"),
    "ui_all_states": ("所有状态", "All states"),
    "ui_state": ("状态", "State"),
    "ui_choose": ("选择 {name}", "Choose {name}"),
    "ui_choose_all": ("全选", "Choose all"),
    "ui_choose_two": ("请选择两个或更多训练", "Choose two or more runs"),
    "ui_num_runs": ("{num} 个训练, 目录 {path}", "{num} runs in {path}"),
    "ui_rows_per_page": ("每页行数:", "Rows per page:"),
    "ui_no_runs": ("没有训练", "No runs"),
    "ui_epoch": ("轮", "Epoch"),
    "ui_best_epoch": ("最佳轮", "Best epoch"),
    "ui_best_loss": ("最佳损失", "Best loss"),
    "ui_median_px": ("中位误差 [px]", "Median error [px]"),
    "ui_images_per_s": ("图像/秒", "Images/s"),
    "ui_remaining": ("剩余时间", "Time left"),
    "ui_data_set": ("数据集", "Data set"),
    "ui_device": ("设备", "Device"),
    "ui_age": ("开始于 (之前)", "Age"),
    "ui_machine": (
        "{cpus} 个 CPU, {percent:.0f} % 占用; 内存 {used:.1f} / {total:.1f} GiB",
        "{cpus} CPUs, {percent:.0f} % busy; memory {used:.1f} of {total:.1f} GiB",
    ),
    "ui_gpu": (
        "GPU {number} ({name}): {percent:.0f} % 占用, 显存 {used:.1f} / {total:.1f} GiB",
        "GPU {number} ({name}): {percent:.0f} % busy, memory {used:.1f} of {total:.1f} GiB",
    ),
    "ui_not_running": ("训练 {name} 没有在运行", "Run {name} is not running"),
    "ui_runs_elsewhere": ("训练 {name} 在 {host} 上运行, 请在那里停止", "Run {name} runs on {host}; stop it there"),
    "ui_cannot_stop": ("不能停止训练 {name} 的进程 {pid}", "Process {pid} of run {name} cannot be stopped"),
    "ui_not_resumable": ("训练 {name} 不能续训", "Run {name} cannot be resumed"),
    "ui_cannot_resume": ("不能续训 {name}: {reason}", "Run {name} cannot be resumed: {reason}"),
    "ui_no_control": (
        "不允许: 用 glint-unet ui --allow_control 启动",
        "Not permitted: start glint-unet ui with --allow_control",
    ),
    "ui_stop": ("保存并停止", "Save and stop"),
    "ui_resume": ("续训", "Resume"),
    "ui_stopping": ("训练将保存状态后停止", "The run saves its state and stops"),
    "ui_resuming": ("续训已启动", "The run is being resumed"),
    "ui_report": ("报告", "Report"),
    "ui_progress": ("进度", "Progress"),
    "ui_log": ("日志", "Log"),
    "ui_epochs_done": ("第 {epoch} / {epochs} 轮", "epoch {epoch} of {epochs}"),
    "ui_best": ("最佳: 第 {epoch} 轮, F1 {f1}, 中位误差 {px} px", "best: epoch {epoch}, F1 {f1}, median error {px} px"),
    "ui_left": ("剩余 {time}", "{time} left"),
    "ui_no_epoch": ("还没有完成的轮", "No epoch has been completed yet"),
    "ui_mistaken": ("认作其他 LED", "mistaken for another LED"),
    "ui_predictions": ("验证图像与预测", "Validation images with predictions"),
    "ui_worst": ("预测最差的验证图像", "Validation images with the worst predictions"),
    "ui_compare_number": (
        "不能比较 {num} 个训练: 须为 2 至 {most} 个",
        "{num} runs cannot be compared: choose 2 to {most}",
    ),
    "ui_no_sweeps": ("{path} 中没有参数搜索", "No sweep in {path}"),
    "ui_sweep_title": ("参数搜索 {name}", "Sweep {name}"),
    "ui_sweep_picture": (
        "各组设置的结果与各参数的重要性",
        "Results of the combinations and importance of the settings",
    ),
    "ui_no_trial": ("还没有开始的组合", "No combination has begun yet"),
    "ui_trials": ("组合", "Trials"),
    # --- the page: what it reads, and browsing a data set ---
    "page_too_slow": (
        "超过 {seconds:.0f} 秒没有结果, 已中止; 文件可能已损坏, 或磁盘没有响应",
        "No result within {seconds:.0f} s, ended; the file may be damaged, or the disk does not respond",
    ),
    "page_task_died": (
        "读取进程意外终止 ({reason}): 文件已损坏或有恶意, 或内存不足; 请重新复制或重新打包",
        "The process that reads files died ({reason}): the file is damaged or malicious, or memory ran out; copy or "
        "pack the file again",
    ),
    "page_task_failed": ("无法完成: {reason}", "This failed: {reason}"),
    "page_data_changed": (
        "{path} 在打开后已被改写; 请重新打开",
        "{path} has changed since it was opened; open it again",
    ),
    "page_model_leds": (
        "{run} 有 {num} 个 LED, 数据集有 {expected} 个; 请换一个模型, 或为预训练权重给出装置文件",
        "{run} has {num} LEDs, the data set has {expected}; choose another model, or a rig file for the pretrained "
        "weights",
    ),
    "suspicion_empty": ("没有反光点", "no glint"),
    "suspicion_border": ("标注在图像边缘", "label at the border"),
    "suspicion_away": ("标注处不亮", "nothing bright at the label"),
    "suspicion_model": ("模型不同意", "the model disagrees"),
    "suspicion_layout": ("与 LED 布局矛盾", "contradicts the layout of the LEDs"),
    "suspicion_same_spot": ("两个标注重合", "two labels at one spot"),
    "browse_title": ("数据", "Data"),
    "browse_data_set": ("数据集", "Data set"),
    "browse_no_data": (
        "没有数据集; 请用 --data 给出 .h5 文件或含有它们的目录",
        "There is no data set; name .h5 files, or directories with them, by --data",
    ),
    "browse_opening": ("正在打开数据集", "Opening the data set"),
    "browse_any": ("全部", "any"),
    "browse_missing": ("缺少 LED", "LED missing"),
    "browse_count": ("反光点个数", "Glints"),
    "browse_reason": ("可疑之处", "Suspicion"),
    "browse_stem": ("名称包含", "Name contains"),
    "browse_suspicious_first": ("可疑的在前", "Suspicious first"),
    "browse_previous": ("上一张 (←)", "Previous (←)"),
    "browse_next": ("下一张 (→)", "Next (→)"),
    "browse_random": ("随机一张 (r)", "Random (r)"),
    "browse_jump": ("跳到第几张", "Number of the image"),
    "browse_of": ("共 {num:,} 张", "of {num:,}"),
    "browse_heatmaps": ("热图 (1..9, m)", "Heatmaps (1..9, m)"),
    "browse_all": ("全部热图", "All"),
    "browse_nothing": ("没有这样的图像", "There is no such image"),
    "browse_image_alt": ("图像 {name} (第 {row} 行) 及其标注", "Image {name} (row {row}) with its labels"),
    "browse_row": ("文件第 {row} 行", "Row {row} of the file"),
    "browse_absent": ("无", "absent"),
    "browse_suspicions": ("可疑的标注", "Suspicious labels"),
    "browse_progress": ("检查进度", "Share of the images examined"),
    "browse_scanned": ("已检查 {done:,} / {num:,} 张", "{done:,} of {num:,} images examined"),
    "browse_model": ("模型", "Model"),
    "browse_rig": ("装置文件", "Rig file"),
    "browse_compare": ("与模型比较", "Compare"),
    "browse_statistics": ("统计", "Statistics"),
    "browse_sizes": ("{N:,} 张图像, {H}x{W}, {C} 个 LED", "{N:,} images of {H}x{W}, {C} LEDs"),
    "browse_glints_per_image": ("每张图像的反光点个数", "Glints per image"),
    "annotate_title": ("试用与标注", "Try"),
    "annotate_opening": ("正在打开图像和模型", "Opening images and model"),
    "annotate_input": ("图像、视频或数据集", "Images, video or data set"),
    "annotate_open": ("打开", "Open"),
    "annotate_drop": ("或把图像、视频拖到这里", "or drop images or a video here"),
    "annotate_most": ("最多帧数", "Frames at most"),
    "annotate_nothing_chosen": (
        "没有选择输入; 请从列表中选择, 或拖入图像、视频",
        "No input is chosen; choose one from the list, or drop images or a video",
    ),
    "annotate_rejected": (
        "文件不被接受: 只接受图像和视频, 总共不超过 {limit_mb} MB",
        "The files are not accepted: only images and videos, {limit_mb} MB altogether",
    ),
    "annotate_not_media": (
        "{name} 不是图像或视频; 请改用 .png、.jpg、.mp4 等格式",
        "{name} is neither an image nor a video; use .png, .jpg, .mp4 or similar",
    ),
    "annotate_one_video": (
        "一次拖入了 {num} 个文件, 其中有视频; 请一次只拖入一个视频",
        "{num} files were dropped, a video among them; drop one video at a time",
    ),
    "annotate_previous": ("上一帧 (←)", "Previous frame (←)"),
    "annotate_next": ("保存并下一帧 (回车)", "Save and next (Enter)"),
    "annotate_skip": ("下一帧, 不保存 (→)", "Next frame without saving (→)"),
    "annotate_of": ("第 {number} / {num} 帧", "{number} of {num}"),
    "annotate_alt": (
        "图像 {name}, 其反光点可以拖动",
        "Image {name}, whose glints can be dragged",
    ),
    "annotate_help": (
        "拖动圆圈以修正 (会对准亮点; 按住 Shift 则不对准), 数字键或复选框标记有无, 0 恢复模型的结果, 回车保存",
        "Drag a ring to correct it (it snaps to the bright spot, unless Shift is held); digits or the boxes mark LEDs "
        "present or absent, 0 restores the model's glints, Enter saves",
    ),
    "annotate_leds": ("各 LED", "LEDs"),
    "annotate_columns": ("x, y (像素) · 得分 · σ (像素)", "x, y (px) · score · σ (px)"),
    "annotate_choose": ("选择图像和模型", "Choose images and a model"),
    "annotate_model_again": ("恢复模型的结果 (0)", "Restore the model's glints (0)"),
    "annotate_saving": ("保存", "Saving"),
    "annotate_changed": ("已修改, 尚未保存", "changed, not saved"),
    "annotate_is_saved": ("已保存", "saved"),
    "annotate_counts": (
        "已保存 {saved} / {num} 帧, 修正 {edits} 次",
        "{saved} of {num} frames saved, {edits} corrections",
    ),
    "annotate_read_only": (
        "本页只读: 标注只能下载; 用 --allow_control 启动后可以直接保存",
        "This page is read-only: annotations can be downloaded; started with --allow_control, it saves them",
    ),
    "annotate_file": ("数据集文件名", "Name of the data set"),
    "annotate_pack": ("打包成数据集", "Pack into a data set"),
    "annotate_download": ("下载 LabelMe 标注 (.zip)", "Download as LabelMe (.zip)"),
    "annotate_was_last": ("这是最后一帧", "That was the last frame"),
    "annotate_bad_name": (
        "{name} 不能作为文件名; 请给出不含目录的 .h5 文件名, 例如 annotated.h5",
        "{name} cannot be used as a name; give a .h5 file without a directory, e.g. annotated.h5",
    ),
    "annotate_packed": ("已写入 {num} 张图像: {path}", "{num} images written: {path}"),
    "annotate_absent_score": ("无 · {score:.2f}", "absent · {score:.2f}"),
    "draft_title": ("合成眼睛", "Synthetic eyes"),
    "draft_open": ("打开装置文件", "Open a rig file"),
    "draft_number": ("LED 个数", "Number of LEDs"),
    "draft_start": ("第一个 LED 的角度 (°; -90 在上方)", "Angle of the first LED (°; -90 is the top)"),
    "draft_positions": ("{num} 个 LED 的位置由文件逐个给出", "The file gives the positions of {num} LEDs one by one"),
    "draft_size": ("反射布局的大小 (占虹膜半径)", "Size of the reflected layout (of the iris radius)"),
    "draft_iris": ("虹膜半径 (占图像短边)", "Iris radius (of the image's shorter side)"),
    "draft_level": ("难度", "Level"),
    "draft_image_size": ("图像大小", "Image size"),
    "draft_other_eyes": ("换一批眼睛", "Other eyes"),
    "draft_file": ("文件名", "File name"),
    "draft_overwrite": ("替换已有文件", "Replace an existing file"),
    "draft_save": ("保存", "Save"),
    "draft_download": ("下载", "Download"),
    "draft_use": ("训练时使用: --h5 synth:{name}", "For training: --h5 synth:{name}"),
    "draft_eye_alt": ("合成眼睛 {number} / {num}", "Synthetic eye {number} of {num}"),
    "draft_bad_name": (
        "{name} 不能作为文件名; 请给出不含目录的 .toml 文件名, 例如 rig.toml",
        "{name} cannot be used as a name; give a .toml file without a directory, e.g. rig.toml",
    ),
    "draft_saved": ("已保存: {path}", "Saved: {path}"),
    "eye_zoom_in": ("放大", "Zoom in"),
    "eye_zoom_out": ("缩小", "Zoom out"),
    "eye_fit": ("整张图像", "Whole image"),
    "eye_contrast": ("对比度", "Contrast"),
    "eye_brightness": ("亮度", "Brightness"),
    "eye_names": ("LED 名称", "LED names"),
}

_language: str | None = None
_language_here: contextvars.ContextVar[str | None] = contextvars.ContextVar("language", default=None)


def set_language(language: str) -> None:
    """Sets the language of all further messages of this process, and the default of the setting `lang`.

    Args:
        language: 'zh' (Chinese) or 'en' (English).

    Raises:
        ValueError: the language is another one.
    """
    global _language
    _check_language(language)
    _language = language


def _check_language(language: str) -> None:
    if language not in LANGUAGES:
        raise ValueError(text("setting_not_a_choice", flag="lang", value=language, choices=", ".join(LANGUAGES)))


def current_language() -> str:
    """The language of the messages: that of `in_language` or `set_language`, otherwise that of the environment."""
    return _language_here.get() or _language or environment_language()


def environment_language() -> str:
    """'zh' if GLINT_LANG, or else the locale (LC_ALL, LC_MESSAGES, LANG), starts with zh; otherwise 'en'."""
    names = ("GLINT_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    chosen = next((value for name in names if (value := os.environ.get(name))), "")
    return "zh" if chosen.lower().startswith("zh") else "en"


@contextlib.contextmanager
def in_language(language: str) -> Iterator[None]:
    """A block whose messages are in another language, in this thread or task alone.

    For pictures, whose font has no Chinese, and for pages with visitors of several languages.

    Raises:
        ValueError: the language is neither 'zh' nor 'en'.
    """
    _check_language(language)
    before = _language_here.set(language)
    try:
        yield
    finally:
        _language_here.reset(before)


def text(key: str, **values: Any) -> str:
    """The message in the current language, with its placeholders filled in."""
    return TEXTS[key][LANGUAGES.index(current_language())].format(**values)
